-- reconcile is there always, approve while the revocation limit holds something back.
local actions = {reconcile = {displayName = "Look again", iconClass = "fa fa-fw fa-sync"}}
local status = obj.status or {}
local held
if obj.kind == "KisiGroup" then
  held = status.counts ~= nil and (status.counts.held or 0) > 0
elseif obj.kind == "KisiConnection" or obj.kind == "Member" then
  held = false
  for _, condition in ipairs(status.conditions or {}) do
    held = held or condition.reason == "RevocationsHeld"
  end
end
if held ~= nil then
  actions.approve = {displayName = "Approve held revocations for one hour", iconClass = "fa fa-fw fa-check", disabled = not held}
end
return actions
