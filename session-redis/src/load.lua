-- Returns a live record if the secret is its current, offered or (in its grace period) previous one. Writes only
-- if the idle deadline is extended, an offered secret is used for the first time, or a new one is offered.
--
-- Arguments: secret, transport, touch_every or "", and for renewal: every or "", grace, candidate
-- Replies: record, the fields, and 1 if the candidate is now offered, otherwise 0; none

local state, record, raw_fields = find_record(ARGV[1])
if state == 'undecodable' then
  return { state, now, record }
elseif state == 'none' or record['m:transport'] ~= ARGV[2] then
  return { 'none', now }
end

local secret, touch_every = ARGV[1], tonumber(ARGV[3])
local every, grace, candidate = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local values, is_promoted, is_offered = {}, false, false

if secret == record['m:secret'] then
  local is_due = every and record['m:since'] + every <= now
  if is_due and not (record['m:offer'] and record['m:offered'] + every > now) then
    is_offered = true
    values = { 'm:offer', candidate, 'm:offered', int(now), 'm:offer_grace', int(grace) }
  end
elseif secret == record['m:offer'] then
  is_promoted = true
  values = {
    'm:secret', secret,
    'm:since', int(now),
    'm:previous', record['m:secret'],
    'm:previous_until', int(now + (grace or record['m:offer_grace'])),
  }
elseif secret ~= record['m:previous'] or now >= record['m:previous_until'] then
  return { 'none', now }
end

if not touch_every or touch_every >= record['m:idle'] then
  touch_every = record['m:idle'] / 10
end
local idle_until = record['m:idle_until']
if idle_until - record['m:idle'] + touch_every <= now then
  idle_until = now + record['m:idle']
  values[#values + 1] = 'm:idle_until'
  values[#values + 1] = int(idle_until)
end

if #values > 0 then
  -- The expiry comes first, so that a server whose memory is full accepts the writes after it.
  expire(idle_until, record['m:absolute_until'])
  redis.call('HSET', key, unpack(values))
  if is_promoted then
    redis.call('HDEL', key, 'm:offer', 'm:offered', 'm:offer_grace')
  end
  raw_fields = all_fields()
end
return { 'record', now, raw_fields, is_offered and 1 or 0 }
