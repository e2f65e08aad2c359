-- On a Cluster: moves the deadline of a member of the index, which is the key, before that of its session is moved. Adds
-- the member if it has been lost.
--
-- Arguments: the member, the deadline
-- Replies: applied, the time

local deadline = tonumber(ARGV[2]) + SLACK
keep_index(key, deadline)
redis.call('ZADD', key, 'GT', string.format('%.0f', deadline), ARGV[1])
keep_index(key, deadline)
return { 'applied', now }
