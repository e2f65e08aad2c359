-- On a Cluster: raises the mark of a subject. The key is the index.
--
-- Arguments: how long the mark is kept
-- Replies: applied, the time and the members

raise_mark(key, tonumber(ARGV[1]))
local members = {}
for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
  if #member == 28 or #member == 29 then
    members[#members + 1] = member
  end
end
return { 'applied', now, members }
