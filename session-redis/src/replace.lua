-- Stores a new record in place of one that nobody has changed since the program loaded it. Every change writes its own
-- random id at the start of the stamp, so the same id means that nothing after it has changed either. Loads change the
-- secrets and deadlines before the stamp at any time; these are kept.
--
-- Lua hashes each string byte by byte, so the script makes no string of the stored data if it can. Numbers for commands
-- are strings here, because formatting them takes as long as a command.
--
-- Arguments: the id of the last change that the program knows, the server's time by the program's estimate, the new
--   record, with the new idle deadline, and the time until the key expires
-- Replies: OK; otherwise the stored value, or nil if there is none, and the program decides

local key, new = KEYS[1], ARGV[3]
local sub = string.sub
-- Up to the end of the longest possible stamp.
local old = redis.call('GETRANGE', key, '0', '187')
local function stamp_of(record)
  return 73 + (string.byte(record, 4) or 0)
end

local stamp = stamp_of(old)
if sub(old, stamp, stamp + 15) ~= ARGV[1] then
  return redis.call('GET', key)
end
local now = tonumber(ARGV[2])
local idle_until, absolute_until = struct.unpack('>I6I6', old, 61)
-- A key that was restored without its expiry exists for longer than the session lives.
if now >= idle_until or now >= absolute_until then
  return redis.call('GET', key)
end
local head, others = sub(old, 1, 60), sub(old, 67, stamp - 1)
if head ~= sub(new, 1, 60) or others ~= sub(new, 67, stamp - 1) then
  new = head .. sub(new, 61, 66) .. others .. sub(new, stamp_of(new))
end
return redis.call('SET', key, new, 'PX', ARGV[4])
