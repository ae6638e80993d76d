// A receiver that nobody here wrote: the server of ilp-protocol-stream, as a plain ILP-over-HTTP
// peer, with its SPSP endpoint on the same port.
//
// Reads {"ilpAddress", "token", "asset": {"code", "scale"}} as the first line of its input and
// answers with {"port"}. Each further line is answered with what it has seen so far. It ends with
// its input.

'use strict'

const readline = require('node:readline')
const { deserializeIlpPrepare } = require('ilp-packet')
const { serializeIldcpResponse } = require('ilp-protocol-ildcp')
const { createServer } = require('ilp-protocol-stream')
const { HttpPlugin, listen, spsp, print } = require('./plugin')

const seen = { received: 0n, packets: 0, largest: 0n, connections: 0, unauthorized: 0 }

// A plugin that receives; the one thing the library sends is the question for its own address.
class ReceivingPlugin extends HttpPlugin {
  constructor(ilpAddress, { code, scale }) {
    super()
    this.own = { clientAddress: ilpAddress, assetCode: code, assetScale: scale }
  }

  sendData() {
    return Promise.resolve(serializeIldcpResponse(this.own))
  }
}

async function answer(plugin, server, token, request, body) {
  if (request.method === 'GET') {
    const { destinationAccount, sharedSecret } = server.generateAddressAndSecret()
    return spsp({ destinationAddress: destinationAccount, sharedSecret })
  }
  if (request.headers.authorization !== `Bearer ${token}`) {
    seen.unauthorized += 1
    return { status: 401, body: '' }
  }
  const amount = BigInt(deserializeIlpPrepare(body).amount)
  const reply = await plugin.handler(body)
  if (reply[0] === 13) {
    seen.packets += 1
    if (amount > seen.largest) seen.largest = amount
  }
  return { status: 200, body: reply }
}

async function start({ ilpAddress, token, asset }) {
  const plugin = new ReceivingPlugin(ilpAddress, asset)
  const server = await createServer({ plugin })
  server.on('connection', (connection) => {
    seen.connections += 1
    connection.on('stream', (stream) => {
      stream.setReceiveMax('18446744073709551615')
      stream.on('money', (amount) => {
        seen.received += BigInt(amount)
      })
    })
  })
  const port = await listen((request, body) => answer(plugin, server, token, request, body))
  print({ port })
}

let started = false
readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (started) return print(seen)
    started = true
    start(JSON.parse(line)).catch((error) => print({ error: String(error?.stack ?? error) }))
  })
  .on('close', () => process.exit(0))
