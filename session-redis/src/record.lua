-- The record of a session. This part precedes `load.lua` and `commit.lua`. The layout is described in
-- `stored.rs`; positions count from 1.
--
-- Redis does not roll back a script that fails, so everything that can fail is checked before the first write.

local key = KEYS[1]
local sub, pack, unpack_at = string.sub, struct.pack, struct.unpack
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Where the parts of a record begin whose other secrets have this many bytes:
local OTHERS = 73
local function stamp_of(value)
  return OTHERS + string.byte(value, 4)
end

local KNOWN_LENGTHS = { [0] = true, [38] = true, [44] = true, [82] = true }

-- Whether the value has the parts that the scripts read, and no flag of another version. The program that receives
-- it reports the rest.
local function is_record(value)
  return #value >= 114 and sub(value, 1, 2) == '\197\1' and string.byte(value, 3) <= 3
    and KNOWN_LENGTHS[string.byte(value, 4)] and #value >= stamp_of(value) + 41
end

-- Whether a key, which does not hold a string, holds a tombstone: see `logins.lua`.
local function is_tombstone(name)
  local member = redis.pcall('ZRANGE', name, 0, 0)[1]
  return type(member) == 'string' and #member == 33
end

-- Whether no load has found the session yet, and it ends early for that reason.
local function awaits_first_use(value)
  return string.byte(value, 3) >= 2
end

local function deadline_of(idle_until, absolute_until)
  return string.format('%.0f', math.min(idle_until, absolute_until))
end
