-- Removes what is under the key and is not a string, unless it is a tombstone: that session has ended already.
--
-- Replies: applied; none; both with the time

if is_tombstone(key) or redis.call('UNLINK', key) == 0 then
  return { 'none', now }
end
return { 'applied', now }
