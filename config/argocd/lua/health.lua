-- How an object of access.kisi-operator.dev stands, from its conditions. Every kind has them: Ready, and Reconciling and
-- Stalled only while True. Argo CD has no string library here.
local hs = {status = "Progressing", message = "waiting for kisi-operator to look at it"}
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return hs -- what is there is about an older spec, or nothing yet
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready, stalled, held = conditions.Ready, conditions.Stalled, conditions.RevocationsHeld
if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return hs
end

hs.message = ready.reason .. ": " .. (ready.message or "")
if ready.status == "True" then
  hs.status = "Healthy"
  if held ~= nil and held.status == "True" then
    hs.message = hs.message .. "; " .. held.reason .. ": " .. (held.message or "")
  end
  return hs
end

-- Somebody decides when it goes on: by an approval, or by the connection's mode.
local suspended = {RevocationsHeld = true, Observing = true, Paused = true}
-- Somebody has to change something, in Kisi or here, though it is tried again by itself.
local degraded = {InsufficientRole = true, KisiLimitReached = true, RefusedByKisi = true, BlockedByForeignAssignment = true}
if stalled ~= nil and stalled.status == "True" or degraded[ready.reason] then
  hs.status = "Degraded"
elseif suspended[ready.reason] then
  hs.status = "Suspended"
end
return hs -- otherwise work is under way, or what is missing may be about to come
