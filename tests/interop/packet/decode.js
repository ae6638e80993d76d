// Reads one packet per line, in hex, and answers one line of JSON for each: what the npm package
// ilp-packet makes of it. tests/packet_npm.rs compares that with our own reading.
//
//   {"ok":true,"type":12,"fields":{...},"again":"0c68..."}   numbers as text, bytes in hex
//   {"ok":false,"error":"Packet has invalid type"}
//
// CommonJS, because only require() heeds NODE_PATH.
'use strict'

let packets
try {
  packets = require('ilp-packet')
} catch (error) {
  console.error(`${error.code}: ilp-packet is not installed; npm ci --prefix tests/interop`)
  process.exit(3)
}

const hex = (buffer) => buffer.toString('hex')

const describe = {
  [packets.Type.TYPE_ILP_PREPARE]: (data) => ({
    amount: data.amount,
    expires_at: String(data.expiresAt.getTime()),
    condition: hex(data.executionCondition),
    destination: data.destination,
    data: hex(data.data),
  }),
  [packets.Type.TYPE_ILP_FULFILL]: (data) => ({
    fulfillment: hex(data.fulfillment),
    data: hex(data.data),
  }),
  [packets.Type.TYPE_ILP_REJECT]: (data) => ({
    code: data.code,
    triggered_by: data.triggeredBy,
    message: data.message,
    data: hex(data.data),
  }),
}

const answer = (line) => {
  let packet
  try {
    packet = packets.deserializeIlpPacket(Buffer.from(line, 'hex'))
  } catch (error) {
    return { ok: false, error: error.message }
  }
  const { type, data } = packet
  return { ok: true, type, fields: describe[type](data), again: hex(packets.serializeIlpPacket(packet)) }
}

const lines = require('node:readline').createInterface({ input: process.stdin, crlfDelay: Infinity })
lines.on('line', (line) => process.stdout.write(JSON.stringify(answer(line)) + '\n'))
