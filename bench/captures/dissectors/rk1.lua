-- Profile RK-1 in Wireshark: names registers and events of the reference keypad, clerk console and kiosk button behind
-- the Modbus RTU dissector. Use: wireshark -X lua_script:rk1.lua wire.pcapng, or put it into the personal plugin folder.
-- Registers and events are those of profile RK-1 1.0, `hallbench devices rating_keypad`. Licence: Apache-2.0.

local rk1 = Proto("rk1", "RK-1 reference keypad profile")

local f = rk1.fields
f.register = ProtoField.string("rk1.register", "Registers")
f.value = ProtoField.string("rk1.value", "Value")
f.events = ProtoField.uint8("rk1.events", "Events in this reply")
f.key = ProtoField.uint8("rk1.event.key", "Key")
f.flags = ProtoField.uint8("rk1.event.flags", "Flags", base.HEX)
f.epoch = ProtoField.uint16("rk1.event.epoch", "Boot epoch")
f.sequence = ProtoField.uint16("rk1.event.sequence", "Sequence")
f.time = ProtoField.absolute_time("rk1.event.time", "Pressed at (device clock)", base.UTC)
f.clerk = ProtoField.uint16("rk1.event.clerk", "Clerk code")
f.ticket = ProtoField.uint16("rk1.event.ticket", "Ticket")
f.request = ProtoField.framenum("rk1.request", "Reply to", base.NONE, frametype.REQUEST)

-- first address -> {words, name}
local inputs = {
  [0x0000] = {1, "mark"}, [0x0001] = {1, "version"}, [0x0002] = {1, "epoch"}, [0x0003] = {1, "status"},
  [0x0004] = {1, "waiting"}, [0x0005] = {1, "oldest"}, [0x0006] = {1, "newest"}, [0x0007] = {1, "lost"},
  [0x0008] = {2, "uptime"}, [0x000A] = {1, "depth"}, [0x000B] = {1, "keys"}, [0x0100] = {120, "events"},
}
local holdings = {
  [0x0000] = {2, "acknowledge"}, [0x0002] = {1, "acknowledge_lost"}, [0x0010] = {1, "lamps"}, [0x0011] = {1, "buzzer"},
  [0x0012] = {2, "window"}, [0x0014] = {1, "clerk"}, [0x0015] = {1, "policy"}, [0x0020] = {3, "clock"},
  [0x0030] = {1, "unit"}, [0x0031] = {1, "baud"}, [0x0032] = {1, "parity"}, [0x003F] = {1, "command"},
}

local FIFO, EVENT_WORDS, EMPTY = 0x0100, 8, 0xFFFF

local direction = Field.new("frame.packet_flags_direction")
local interface = Field.new("frame.interface_id")
local unit_field = Field.new("mbrtu.unit_id")

local open_requests = {}   -- interface and unit -> the last request, while the file is read for the first time
local answered = {}        -- number of a reply -> its request

function rk1.init()
  open_requests, answered = {}, {}
end

-- The bytes of the line: what stands behind the tags of an exported PDU.
local function line_bytes(tvb)
  local at = 0
  while at + 4 <= tvb:len() do
    local tag, length = tvb(at, 2):uint(), tvb(at + 2, 2):uint()
    at = at + 4
    if tag == 0 then
      if at >= tvb:len() then return nil end
      return tvb(at):tvb()
    end
    at = at + length
  end
  return nil
end

local function names_of(table_, start, count)
  local names, at = {}, start
  while at < start + count do
    local row
    for first, candidate in pairs(table_) do
      if at >= first and at < first + candidate[1] then row = {first, candidate[1], candidate[2]} end
    end
    if row == nil then
      names[#names + 1] = string.format("0x%04X", at)
      at = at + 1
    else
      names[#names + 1] = row[3]
      at = row[1] + row[2]
    end
    if #names > 12 then
      names[#names + 1] = ".."
      break
    end
  end
  return table.concat(names, ", ")
end

local function events(tvb, at, bytes, tree, pinfo)
  local found, told = 0, {}
  for block = at, at + bytes - EVENT_WORDS * 2, EVENT_WORDS * 2 do
    local empty = true
    for word = 0, EVENT_WORDS - 1 do
      if tvb(block + 2 * word, 2):uint() ~= EMPTY then empty = false end
    end
    if not empty then
      found = found + 1
      local key = tvb(block + 5, 1):uint()
      local one = tree:add(rk1, tvb(block, 16), string.format("Event: key %d", key))
      one:add(f.epoch, tvb(block, 2))
      one:add(f.sequence, tvb(block + 2, 2))
      one:add(f.flags, tvb(block + 4, 1))
      one:add(f.key, tvb(block + 5, 1))
      one:add(f.time, tvb(block + 6, 6), NSTime.new(tvb(block + 6, 4):uint(), tvb(block + 10, 2):uint() * 1000000))
      one:add(f.clerk, tvb(block + 12, 2))
      one:add(f.ticket, tvb(block + 14, 2))
      told[#told + 1] = string.format("key %d (epoch %d, seq %d)", key, tvb(block, 2):uint(), tvb(block + 2, 2):uint())
    end
  end
  tree:add(f.events, found):set_generated()
  if found > 0 then pinfo.cols.info:append(" [RK-1 events: " .. table.concat(told, ", ") .. "]") end
end

function rk1.dissector(tvb, pinfo, root)
  if unit_field() == nil then return end
  local frame = line_bytes(tvb)
  if frame == nil or frame:len() < 4 then return end
  local way = direction()
  if way == nil then return end
  local inbound = way.value == 1
  local unit, func = frame(0, 1):uint(), frame(1, 1):uint()
  local key = string.format("%s/%d", interface() and tostring(interface().value) or "", unit)
  if not inbound then
    if func ~= 3 and func ~= 4 and func ~= 6 and func ~= 16 then return end
    if frame:len() < 8 then return end
    local start = frame(2, 2):uint()
    local count = func == 6 and 1 or frame(4, 2):uint()
    if not pinfo.visited then
      open_requests[key] = {number = pinfo.number, func = func, start = start, count = count}
    end
    local names = names_of(func == 4 and inputs or holdings, start, count)
    local tree = root:add(rk1, frame(0))
    tree:add(f.register, frame(2, func == 6 and 2 or 4), names)
    pinfo.cols.info:append(" [RK-1 " .. names .. "]")
    return
  end
  if not pinfo.visited and open_requests[key] ~= nil then
    answered[pinfo.number] = open_requests[key]
    open_requests[key] = nil
  end
  local asked = answered[pinfo.number]
  if asked == nil or asked.func ~= func or (func ~= 3 and func ~= 4) then return end
  local bytes = frame(2, 1):uint()
  if bytes ~= asked.count * 2 or frame:len() < 3 + bytes + 2 then return end
  local tree = root:add(rk1, frame(0))
  tree:add(f.request, asked.number):set_generated()
  if func == 4 and asked.start >= FIFO and (asked.start - FIFO) % EVENT_WORDS == 0 then
    events(frame, 3, bytes, tree, pinfo)
    return
  end
  local rows = func == 4 and inputs or holdings
  local at = asked.start
  while at < asked.start + asked.count do
    local row = rows[at]
    local words = row and math.min(row[1], asked.start + asked.count - at) or 1
    local place = frame(3 + 2 * (at - asked.start), 2 * words)
    local number = words <= 2 and place:uint() or place:bytes():tohex()
    tree:add(f.value, place, string.format("%s = %s", row and row[2] or string.format("0x%04X", at), tostring(number)))
    at = at + words
  end
end

register_postdissector(rk1)
