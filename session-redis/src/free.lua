-- Removes a tombstone, so that its id can be used again.
--
-- Replies: applied; none; both with the time

if not is_tombstone(key) then
  return { 'none', now }
end
redis.call('UNLINK', key)
return { 'applied', now }
