// STREAM by the npm packages, one line of JSON in and one out. tests/stream_npm.rs holds it against ours.
//
//   {"read": {"secret", "data"}}                  what ilp-protocol-stream makes of an encrypted packet, the same packet
//                                                 encrypted by it, and the fulfillment for the data
//   {"credentials": {"server", "tag", "asset"}}   what @interledger/stream-receiver hands out
//   {"answer": {"server", "prepare"}}             its reply to an ILP Prepare, all money accepted
//
// Bytes are hex and numbers text; "server" is {"secret", "address"} and may name the "package" of another version. CommonJS, because only require() heeds NODE_PATH.
'use strict'

const { Packet } = require('ilp-protocol-stream/dist/src/packet')
const crypto = require('ilp-protocol-stream/dist/src/crypto')
const { deserializeIlpPrepare, serializeIlpReply } = require('ilp-packet')

const bytes = (text) => Buffer.from(text, 'hex')
const text = (value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))

// A frame's type and its fields, in the order of the RFC.
const fields = ({ type, name, ...rest }) => [type, ...Object.values(rest)].map(text)

const server = ({ secret, address, package: name }) => {
  const { StreamServer } = require(name ?? '@interledger/stream-receiver')
  return new StreamServer({ serverSecret: bytes(secret), serverAddress: address })
}

const answers = {
  async read({ secret, data }) {
    const key = await crypto.generatePskEncryptionKey(bytes(secret))
    const packet = await Packet.decryptAndDeserialize(key, bytes(data))
    const fulfillmentKey = await crypto.generateFulfillmentKey(bytes(secret))
    return {
      type: text(packet.ilpPacketType),
      sequence: text(packet.sequence),
      amount: text(packet.prepareAmount),
      frames: packet.frames.map(fields),
      again: text(await packet.serializeAndEncrypt(key)),
      fulfillment: text(await crypto.generateFulfillment(fulfillmentKey, bytes(data))),
    }
  },

  credentials({ server: of, tag, asset }) {
    const { ilpAddress, sharedSecret } = server(of).generateCredentials({ paymentTag: tag, asset })
    return { destination: ilpAddress, secret: text(sharedSecret) }
  },

  answer({ server: of, prepare }) {
    const moneyOrReply = server(of).createReply(deserializeIlpPrepare(bytes(prepare)))
    const isMoney = 'accept' in moneyOrReply
    const reply = isMoney ? moneyOrReply.accept() : moneyOrReply
    return { reply: text(serializeIlpReply(reply)), tag: isMoney ? moneyOrReply.paymentTag : null }
  },
}

const answer = async (line) => {
  const [[name, question]] = Object.entries(JSON.parse(line))
  try {
    return await answers[name](question)
  } catch (error) {
    return { error: String(error.stack ?? error) }
  }
}

const lines = require('node:readline').createInterface({ input: process.stdin, crlfDelay: Infinity })
// One after the other: answers must come in the order of the questions.
let last = Promise.resolve()
lines.on('line', (line) => {
  last = last.then(() => answer(line)).then((reply) => process.stdout.write(JSON.stringify(reply) + '\n'))
})
