-- The generic cell rate algorithm, as `web::limits::Quota::take` has it; the two change together.
-- A bucket is kept as the time at which it will be full again, in microseconds.
--
--   KEYS[1]   the bucket
--   ARGV[1]   the interval after which one more is allowed, ARGV[2] the window of the whole burst
--   ARGV[3]   milliseconds for which a bucket is kept when it is full again
--   ARGV[4]   the time; this server's own where it is empty
--   returns   {1, remaining, time until it is full} or {0, 0, time until one is allowed}

local interval, window, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function put(full_at)
  local ttl = math.ceil((full_at - now) / 1000) + keep
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', ttl))
end

local kept = tonumber(redis.call('GET', KEYS[1]))
-- Further away than an empty bucket's: the clock was set back, or the quota was larger.
local before = math.min(math.max(kept or now, now), now + window)
local after = before + interval
local over = after - now - window
if over > 0 then
  if before ~= kept then
    put(before)
  end
  return {0, 0, over}
end
put(after)
return {1, math.floor(-over / interval), after - now}
