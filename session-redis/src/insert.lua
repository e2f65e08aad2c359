-- Stores a new record, unless there is a live one.
--
-- Arguments: secret, transport, commit id, idle timeout, absolute timeout, "subject" or "", subject, then for
--   each field its name and JSON text
-- Replies: done; exists

local state, found = find_record()
if state == 'alive' then
  return { 'exists', now }
elseif state == 'undecodable' then
  return { state, now, found }
end

local idle, absolute = tonumber(ARGV[4]), tonumber(ARGV[5])
local values = {
  'm:format', '1',
  'm:secret', ARGV[1],
  'm:since', int(now),
  'm:transport', ARGV[2],
  'm:commit', ARGV[3],
  'm:idle', int(idle),
  'm:idle_until', int(now + idle),
  'm:absolute', int(absolute),
  'm:absolute_until', int(now + absolute),
  'm:created', int(now),
  'm:epoch', '0',
  'm:generation', '0',
  'm:version', '1',
}
if ARGV[6] == 'subject' then
  values[#values + 1] = 'm:subject'
  values[#values + 1] = ARGV[7]
end
for at = 8, #ARGV, 2 do
  values[#values + 1] = 'd:' .. ARGV[at]
  values[#values + 1] = '1 ' .. ARGV[at + 1]
end

-- A session that has ended, but whose key has not expired yet.
if found then
  redis.call('DEL', key)
end
call_in_chunks('HSET', values)
expire(now + idle, now + absolute)
return { 'done', now }
