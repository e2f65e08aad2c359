-- Removes the record, whichever version of this library wrote it: a logout must take effect.
--
-- Replies: 1 if there was one, 0 if not, -1 if the key holds something else

local first = redis.call('GETRANGE', KEYS[1], 0, 0)
if first == '\197' then
  return redis.call('UNLINK', KEYS[1])
end
return first == '' and redis.call('EXISTS', KEYS[1]) == 0 and 0 or -1
