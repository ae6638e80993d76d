// A receiver that nobody here wrote: a plain ILP-over-HTTP peer around @interledger/stream-receiver,
// with its SPSP endpoint on the same port.
//
// Reads {"ilpAddress", "token", "asset": {"code", "scale"}} as the first line of its input and
// answers with {"port", "destinationAddress", "sharedSecret"}. "package" may name another version of
// stream-receiver. Each further line is answered with what it has seen so far. It ends with its input.

'use strict'

const readline = require('node:readline')
const { randomBytes } = require('node:crypto')
const { deserializeIlpPrepare, serializeIlpReply, isFulfill } = require('ilp-packet')
const { listen, spsp, print } = require('./plugin')

const seen = { fulfilled: 0, rejected: 0, received: 0n, largest: 0n, unauthorized: 0 }

function answer(server, credentials, token, request, body) {
  if (request.method === 'GET') return spsp(credentials())
  if (request.headers.authorization !== `Bearer ${token}`) {
    seen.unauthorized += 1
    return { status: 401, body: '' }
  }
  const prepare = deserializeIlpPrepare(body)
  const moneyOrReply = server.createReply(prepare)
  const reply = 'accept' in moneyOrReply ? accept(moneyOrReply, prepare) : moneyOrReply
  seen[isFulfill(reply) ? 'fulfilled' : 'rejected'] += 1
  return { status: 200, body: serializeIlpReply(reply) }
}

function accept(money, prepare) {
  const amount = BigInt(prepare.amount)
  seen.received += amount
  if (amount > seen.largest) seen.largest = amount
  money.setTotalReceived(seen.received.toString())
  return money.accept()
}

async function start({ ilpAddress, token, asset, package: name }) {
  const { StreamServer } = require(name ?? '@interledger/stream-receiver')
  const server = new StreamServer({ serverSecret: randomBytes(32), serverAddress: ilpAddress })
  const credentials = () => {
    const { ilpAddress, sharedSecret } = server.generateCredentials({ asset })
    return { destinationAddress: ilpAddress, sharedSecret }
  }
  const port = await listen((request, body) => answer(server, credentials, token, request, body))
  const { destinationAddress, sharedSecret } = credentials()
  print({ port, destinationAddress, sharedSecret: sharedSecret.toString('hex') })
}

let started = false
readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (started) return print(seen)
    started = true
    start(JSON.parse(line))
  })
  .on('close', () => process.exit(0))
