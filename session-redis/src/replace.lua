-- Replaces the part of a record that begins with its stamp, and extends its deadline, if the stamp is still the one
-- that the program has read. A stamp contains a random number of its own change, so what follows it is unchanged, too.
--
-- Arguments: the stamp, the server's time as the program knows it, the new idle deadline as it is stored, the new part,
--   the time until the key expires
-- Replies: OK; otherwise the value, and the program decides

local value = redis.call('GET', KEYS[1])
if not value then
  return value
end
local sub = string.sub
local stamp = 73 + (string.byte(value, 4) or 0)
if sub(value, stamp, stamp + 33) ~= ARGV[1] then
  return value
end
-- A key that was restored without its expiry outlives the session.
local now, idle_until, absolute_until = tonumber(ARGV[2]), struct.unpack('>I6I6', value, 61)
if now >= idle_until or now >= absolute_until then
  return value
end
local new_value = sub(value, 1, 60) .. ARGV[3] .. sub(value, 67, stamp - 1) .. ARGV[4]
return redis.call('SET', KEYS[1], new_value, 'PX', ARGV[5])
