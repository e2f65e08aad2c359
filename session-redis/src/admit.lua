-- On a Cluster: admits a login to the index, which is the key, before the login is committed to the record.
--
-- Arguments: the id, how long the member is kept if the login is not confirmed, the fence or "", the number of sessions
--   beyond which the login is refused or "", the members that have gone
-- Replies: refused, the time and the reason; full, the time and the members; admitted, the time

local id, kept, fence, max = unpack(ARGV)
if is_revoked(key, fence) then
  return { 'refused', now, 'revoked' }
end
keep_index(key, now + SLACK)
for at = 5, #ARGV do
  redis.call('ZREM', key, ARGV[at])
end
if max ~= '' then
  local others = {}
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if (#member == 28 or #member == 29) and sub(member, 7, 28) ~= id then
      others[#others + 1] = member
    end
  end
  if #others >= tonumber(max) then
    return { 'full', now, others }
  end
end
file(key, member_of(now, id) .. '?', now + tonumber(kept) + SLACK)
return { 'admitted', now }
