-- The second step of a load, if the first has seen that something may have to be written: decides by the server's
-- clock. Writes only if the idle deadline is extended, an offered secret is used for the first time, or a new one
-- is offered.
--
-- Arguments: secret, flags, touch_every or "", and for renewal: every or "", grace, candidate; if `logins.lua` is a part
--   of the script: "here" (the index)
-- Replies: none; replaced; reused; record, the time, the value, 1 if the secrets have changed, and 1 if the candidate is now offered

local value = redis.pcall('GET', key)
if type(value) == 'table' then
  if not is_tombstone(key) then
    return value
  end
  local kept_until = redis.call('ZSCORE', key, string.char(ARGV[2]) .. ARGV[1])
  return { kept_until and now < tonumber(kept_until) and 'replaced' or 'none', now }
elseif not value then
  return { 'none', now }
elseif not is_record(value) then
  return { 'record', now, value, 0, 0 }
end
local stamp = stamp_of(value)
local since, created, idle, absolute, idle_until, absolute_until = unpack_at('>I6I6I6I6I6I6', value, 37)
local secret = sub(value, 5, 36)
if now >= idle_until or now >= absolute_until or string.byte(value, 3) % 2 ~= tonumber(ARGV[2]) then
  return { 'none', now }
end

local others = stamp - OTHERS
local offered = (others == 44 or others == 82) and sub(value, OTHERS, OTHERS + 43) or ''
local previous = sub(value, OTHERS + #offered, stamp - 1)

local touch_every = tonumber(ARGV[3])
local every, grace, candidate = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local is_promoted, is_offered = false, false

if ARGV[1] == secret then
  if every and since + every <= now then
    local offered_at = offered ~= '' and unpack_at('>I6', offered, 33)
    if not offered_at or offered_at + every <= now then
      is_offered = true
      offered = candidate .. pack('>I6I6', now, grace)
    end
  end
elseif ARGV[1] == sub(offered, 1, 32) then
  is_promoted = true
  previous = secret .. pack('>I6', now + (grace or unpack_at('>I6', offered, 39)))
  secret, since, offered = ARGV[1], now, ''
elseif ARGV[1] ~= sub(previous, 1, 32) then
  return { 'none', now }
elseif now >= unpack_at('>I6', previous, 33) then
  return { 'reused', now }
end

if not touch_every or touch_every >= idle then
  touch_every = math.floor(idle / 10)
end
local touched_at = math.max(idle_until - idle, 0)
local is_touched = awaits_first_use(value) or now - touched_at >= math.max(touch_every, 1)
if is_touched then
  idle_until = now + idle
end

if is_touched or is_promoted or is_offered then
  -- This is the first use, if there was none.
  value = sub(value, 1, 2) .. string.char(string.byte(value, 3) % 2, #offered + #previous) .. secret
    .. pack('>I6I6I6I6I6I6', since, created, idle, absolute, idle_until, absolute_until)
    .. offered .. previous .. sub(value, stamp)
  local deadline = deadline_of(idle_until, absolute_until)
  -- A server whose memory is full accepts this command, and after it every further write of the same script.
  redis.call('PEXPIREAT', key, deadline)
  redis.call('SET', key, value, 'PXAT', deadline)
  local login_key, logged_in_at
  if ARGV[7] then
    login_key, logged_in_at = login_of(value)
  end
  if login_key then
    -- The index may have been lost. If something else is in its place, that is no reason to refuse the load.
    base = sub(key, 1, -23)
    pcall(file, index_of(login_key), member_of(logged_in_at, sub(key, -22)), absolute_until)
  end
end
return { 'record', now, value, (is_promoted or is_offered) and 1 or 0, is_offered and 1 or 0 }
