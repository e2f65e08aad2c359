-- Stores a new record in place of the stored one, if no change was committed since the program loaded it. Every change
-- writes its own random id at the start of the stamp: if the id is the same, all that follows it is the same. What
-- precedes the stamp, secrets and the idle deadline, may have been written by loads meanwhile.
--
-- Lua hashes each string byte by byte, so the script reads only the header, and builds a string with the data only if a
-- load has written meanwhile. Formatting a number takes as long as a command, so numbers are passed as strings.
--
-- Arguments:
--   1. the id of the last change that the program knows
--   2. the server's time by the program's estimate
--   3. the new record, with the new idle deadline
--   4. when the key expires
-- Replies: OK; otherwise the stored value, or nil if there is none, and the program or `commit.lua` decides

local key, new = KEYS[1], ARGV[3]
local sub, unpack_at = string.sub, struct.unpack
-- Up to the end of the id, with all other secrets. Empty if there is no such key.
local old = redis.call('GETRANGE', key, '0', '169')
local function stamp_of(record)
  return 73 + (string.byte(record, 4) or 0)
end

local stamp = stamp_of(old)
if sub(old, stamp, stamp + 15) ~= ARGV[1] then
  return redis.call('GET', key)
end
local estimated_now = tonumber(ARGV[2])
local idle_until, absolute_until = unpack_at('>I6I6', old, 61)
-- The key was restored without its expiry, or the estimate is wrong. An estimate that is behind must not move the
-- deadline back.
if estimated_now >= idle_until or estimated_now >= absolute_until or unpack_at('>I6', new, 61) < idle_until then
  return redis.call('GET', key)
end
local head, rest = sub(old, 1, 60), sub(old, 67, stamp - 1)
if head ~= sub(new, 1, 60) or rest ~= sub(new, 67, stamp - 1) then
  -- A later version of the program may have written flags or other secrets that this one does not know.
  local is_known = sub(old, 1, 3) == sub(new, 1, 3) and (stamp == 73 or stamp == 111 or stamp == 117 or stamp == 155)
  if not is_known then
    return redis.call('GET', key)
  end
  new = head .. sub(new, 61, 66) .. rest .. sub(new, stamp_of(new))
end
return redis.call('SET', key, new, 'PXAT', ARGV[4])
