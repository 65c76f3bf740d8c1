-- The programs of interpreter_bench.cc in Lua; prints "NAME MICROSECONDS" of each, the median of its batches.
local json = require "cjson"

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end

local function range(from, to)
  local list = {}
  for n = from, to do list[#list + 1] = n end
  return list
end
local function map(list, f)
  local out = {}
  for i, item in ipairs(list) do out[i] = f(item) end
  return out
end
local function filter(list, f)
  local out = {}
  for _, item in ipairs(list) do if f(item) then out[#out + 1] = item end end
  return out
end
local function fold(list, value, f)
  for _, item in ipairs(list) do value = f(value, item) end
  return value
end

local rows = {}
for n = 1, 200 do rows[n] = { id = n, name = "row " .. n, price = n + 0.5, tags = { "a", "b" }, open = n % 2 == 0 } end
local document = json.encode({ rows = rows })

local programs = {
  fib = function() return fib(20) end,
  lists = function()
    local tripled = map(range(1, 100000), function(x) return x * 3 end)
    local even = filter(tripled, function(x) return x % 2 == 0 end)
    return fold(even, 0, function(sum, x) return sum + x end)
  end,
  text = function()
    return #fold(range(1, 10000), "", function(text, n) return text .. tostring(n) .. ", " end)
  end,
  json = function() return #json.encode(json.decode(document)) end,
  records = function()
    return fold(range(1, 10000), { a = 1, b = 2, sum = 0 }, function(record, n)
      return { a = record.b, b = record.a, sum = record.sum + record.a * n }
    end)
  end,
}

for name, program in pairs(programs) do
  local times = {}
  local began = os.clock()
  repeat
    local start, rounds = os.clock(), 0
    repeat program(); rounds = rounds + 1 until os.clock() - start > 0.02
    times[#times + 1] = (os.clock() - start) / rounds * 1e6
  until os.clock() - began > 1
  table.sort(times)
  print(name, times[(#times + 1) // 2])
end
