-- Removes the record; whether there was a living one. A record that cannot be read, but has our mark, is
-- removed too, whichever version it is of: a logout must be one.

local state, found, format = find()
if state == 'foreign' and not format then
  return { state, now, found }
end
redis.call('UNLINK', key)
return { 'destroyed', now, (state == 'alive' or state == 'foreign') and 1 or 0 }
