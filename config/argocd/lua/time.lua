-- utc writes a time, in seconds since 1970, as RFC 3339 has it. os.date would write a time that is given in the zone of
-- Argo CD's container.
local function utc(seconds)
  local function div(a, b) return (a - a % b) / b end
  local function two(n) if n < 10 then return "0" .. n end return "" .. n end
  local days = div(seconds, 86400)
  local rest = seconds - days * 86400
  -- The calendar of eras of 400 years that begin in March.
  local shifted = days + 719468
  local era = div(shifted, 146097)
  local dayOfEra = shifted - era * 146097
  local yearOfEra = div(dayOfEra - div(dayOfEra, 1460) + div(dayOfEra, 36524) - div(dayOfEra, 146096), 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + div(yearOfEra, 4) - div(yearOfEra, 100))
  local month = div(5 * dayOfYear + 2, 153)
  local day = dayOfYear - div(153 * month + 2, 5) + 1
  local year = yearOfEra + era * 400
  if month < 10 then month = month + 3 else month = month - 9 end
  if month <= 2 then year = year + 1 end
  return year .. "-" .. two(month) .. "-" .. two(day) .. "T" .. two(div(rest, 3600)) .. ":" .. two(div(rest % 3600, 60)) .. ":" .. two(rest % 60) .. "Z"
end

local function annotate(name, value)
  if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
  end
  obj.metadata.annotations["access.kisi-operator.dev/" .. name] = value
  return obj
end
