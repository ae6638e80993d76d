// A receiver that nobody here wrote: a plain ILP-over-HTTP peer around @interledger/stream-receiver.
//
// Reads {"ilpAddress", "token", "asset": {"code", "scale"}} as the first line of its input and
// answers with {"port", "destinationAddress", "sharedSecret"}. Each further line is answered with
// what it has seen so far. It ends with its input.

'use strict'

const http = require('node:http')
const readline = require('node:readline')
const { randomBytes } = require('node:crypto')
const { deserializeIlpPrepare, serializeIlpReply, isFulfill } = require('ilp-packet')
const { StreamServer } = require('@interledger/stream-receiver')

const seen = { fulfilled: 0, rejected: 0, received: 0n, largest: 0n, unauthorized: 0 }

function answer(server, token, request, body) {
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

function print(object) {
  const asText = (_, value) => (typeof value === 'bigint' ? value.toString() : value)
  process.stdout.write(JSON.stringify(object, asText) + '\n')
}

function start({ ilpAddress, token, asset }) {
  const server = new StreamServer({ serverSecret: randomBytes(32), serverAddress: ilpAddress })
  const { ilpAddress: destinationAddress, sharedSecret } = server.generateCredentials({ asset })
  const listener = http.createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { status, body } = answer(server, token, request, Buffer.concat(chunks))
      response.writeHead(status, { 'content-type': 'application/octet-stream' }).end(body)
    })
  })
  listener.listen(0, '127.0.0.1', () =>
    print({
      port: listener.address().port,
      destinationAddress,
      sharedSecret: sharedSecret.toString('hex')
    })
  )
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
