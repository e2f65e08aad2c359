-- Applies a change to a living record, wholly or not at all.
--
-- commit, epoch, generation
-- of the data: "none", "some" (fields) or "all" (what is not named is removed);
--   how many fields to write, of each the name, the revision it must have ("" is none), the JSON text;
--   how many fields to remove, of each the name and the revision it must have
-- of the identity: "none", "same" (generation) or "new"; the secret; "keep", "set" or "clear", the subject
-- of the lifetime: "keep" or "set", idle, absolute

local state, record = find()
if state == 'foreign' then
  return { state, now, record }
elseif state == 'none' then
  return { 'ended', now }
end

local at = 0
local function argument()
  at = at + 1
  return ARGV[at]
end

local commit, epoch, generation = argument(), tonumber(argument()), tonumber(argument())
if commit == record['m:commit'] then
  return { 'repeated', now, everything() }
elseif generation ~= record['m:generation'] then
  return { 'ended', now }
end

local function revision(field)
  local value = redis.call('HGET', key, field)
  return value and (string.match(value, '^(%d+) ') or 'none that could be read') or ''
end

local scope, values, removals, is_current = argument(), {}, {}, true
local version = record['m:version']
if scope ~= 'none' then
  local to_write = tonumber(argument())
  for _ = 1, to_write do
    local field, base, json = 'd:' .. argument(), argument(), argument()
    is_current = is_current and (scope == 'all' or revision(field) == base)
    values[#values + 1] = field
    values[#values + 1] = int(version + 1) .. ' ' .. json
  end
  local to_remove = tonumber(argument())
  for _ = 1, to_remove do
    local field, base = 'd:' .. argument(), argument()
    is_current = is_current and (scope == 'all' or revision(field) == base)
    removals[#removals + 1] = field
  end
end
local identity, secret, subject_change, subject = argument(), argument(), argument(), argument()
if not is_current or (identity ~= 'none' and epoch ~= record['m:epoch']) then
  return { 'conflict', now, everything() }
end

if scope == 'all' then
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 'd:' then
      removals[#removals + 1] = field
    end
  end
end

local writes_data, grows = scope == 'all' or #values > 0 or #removals > 0, #values > 0
local function write(field, value)
  values[#values + 1] = 'm:' .. field
  values[#values + 1] = value
end

if writes_data then
  version = version + 1
  write('version', int(version))
end
if identity ~= 'none' then
  write('secret', secret)
  write('since', int(now))
  write('epoch', int(record['m:epoch'] + 1))
  if identity == 'new' then
    write('generation', int(record['m:generation'] + 1))
  end
  for _, field in ipairs({ 'offer', 'offered', 'offer_grace', 'previous', 'previous_until' }) do
    removals[#removals + 1] = 'm:' .. field
  end
  if subject_change == 'set' then
    write('subject', subject)
  elseif subject_change == 'clear' then
    removals[#removals + 1] = 'm:subject'
  end
end

local idle, absolute, absolute_until = record['m:idle'], record['m:absolute'], record['m:absolute_until']
local sets_lifetime = argument() == 'set'
if sets_lifetime then
  idle, absolute = tonumber(argument()), tonumber(argument())
  write('idle', int(idle))
  write('absolute', int(absolute))
end
if sets_lifetime or identity == 'new' then
  absolute_until = now + absolute
  write('absolute_until', int(absolute_until))
end
if #values > 0 or #removals > 0 then
  write('commit', commit)
end
write('idle_until', int(now + idle))

-- A full server may refuse the first write, and only that: data that may grow, but neither a new
-- secret nor a longer life. What is removed goes first, so that what is written too is there.
if grows then
  redis.call('HSET', key, 'm:version', int(version))
end
expire(now + idle, absolute_until)
call_in_parts('HDEL', removals)
call_in_parts('HSET', values)
return { 'applied', now, int(version) }
