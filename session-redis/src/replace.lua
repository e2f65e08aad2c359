-- Stores a new record in place of the stored one, if the stored one still is as the program has loaded it. Every change
-- writes its own random id at the start of the stamp: if the id is the same, all that follows it is the same.
--
-- Lua hashes each string byte by byte, so the script reads only the header. Formatting a number takes as long as a
-- command, so numbers for commands are strings.
--
-- Arguments:
--   1. the id of the last change that the program knows
--   2. the server's time by the program's estimate
--   3. the new record, with the new idle deadline
--   4. when the key expires
-- Replies: OK; otherwise the stored value, or nil if there is none. Then the program decides whether this is a conflict;
--   if it is not, because a load has written meanwhile or the estimate is wrong, it runs `commit.lua`.

local key, new = KEYS[1], ARGV[3]
local sub, unpack_at = string.sub, struct.unpack
-- Up to the end of the longest possible id. Empty if there is no such key.
local old = redis.call('GETRANGE', key, '0', '169')
local stamp = 73 + (string.byte(old, 4) or 0)
local is_same = sub(old, stamp, stamp + 15) == ARGV[1]
  and sub(old, 1, 60) == sub(new, 1, 60)
  and sub(old, 67, stamp - 1) == sub(new, 67, stamp - 1)
if not is_same then
  return redis.call('GET', key)
end
local estimated_now = tonumber(ARGV[2])
local idle_until, absolute_until = unpack_at('>I6I6', old, 61)
-- A key that was restored without its expiry may outlive the session. An estimate that is behind must not move the
-- deadline back.
if estimated_now >= idle_until or estimated_now >= absolute_until or unpack_at('>I6', new, 61) < idle_until then
  return redis.call('GET', key)
end
return redis.call('SET', key, new, 'PXAT', ARGV[4])
