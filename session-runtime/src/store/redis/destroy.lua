-- Removes the record; whether there was a living one. A record of a later version of the library is
-- removed too, so that a logout is one: its mark is all that has to be known of it.

local state, found = find()
if state == 'foreign' then
  local mark = redis.pcall('HGET', key, 'm:format')
  if type(mark) ~= 'string' then
    return { state, now, found }
  end
end
redis.call('UNLINK', key)
return { 'destroyed', now, (state == 'alive' or state == 'foreign') and 1 or 0 }
