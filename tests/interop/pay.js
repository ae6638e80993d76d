// A sender that nobody here wrote: @interledger/pay, as a plain ILP-over-HTTP peer.
//
// Reads {"url", "token", "asset", "destinationAddress", "sharedSecret", "amountToSend"} as one line
// and answers with one line: what was sent and delivered, and how many packets of which outcome
// the connector answered.

'use strict'

const http = require('node:http')
const readline = require('node:readline')
const { deserializeIlpPrepare, deserializeIlpReply, isFulfill } = require('ilp-packet')
const { setupPayment, startQuote, pay, closeConnection } = require('@interledger/pay')

const seen = { fulfilled: 0, rejected: {}, largestFulfilled: 0n }

// The plugin interface of @interledger/pay over ILP-over-HTTP.
class HttpPlugin {
  constructor(url, token) {
    this.url = url
    this.headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/octet-stream'
    }
    this.agent = new http.Agent({ keepAlive: true })
  }

  connect() {
    return Promise.resolve()
  }

  disconnect() {
    this.agent.destroy()
    return Promise.resolve()
  }

  isConnected() {
    return true
  }

  registerDataHandler() {}

  deregisterDataHandler() {}

  async sendData(packet) {
    const reply = await this.post(packet)
    const decoded = deserializeIlpReply(reply)
    if (isFulfill(decoded)) {
      seen.fulfilled += 1
      const amount = BigInt(deserializeIlpPrepare(packet).amount)
      if (amount > seen.largestFulfilled) seen.largestFulfilled = amount
    } else {
      seen.rejected[decoded.code] = (seen.rejected[decoded.code] ?? 0) + 1
    }
    return reply
  }

  post(packet) {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', headers: this.headers, agent: this.agent }
      const request = http.request(this.url, options, (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () =>
          response.statusCode === 200
            ? resolve(Buffer.concat(chunks))
            : reject(new Error(`HTTP status ${response.statusCode}`))
        )
        response.on('error', reject)
      })
      request.on('error', reject)
      request.end(packet)
    })
  }
}

async function run({ url, token, asset, destinationAddress, sharedSecret, amountToSend }) {
  const plugin = new HttpPlugin(url, token)
  const destination = await setupPayment({
    plugin,
    destinationAddress,
    sharedSecret: Buffer.from(sharedSecret, 'hex'),
    destinationAsset: asset
  })
  const quote = await startQuote({
    plugin,
    destination,
    sourceAsset: asset,
    amountToSend: BigInt(amountToSend),
    slippage: 0,
    prices: { [asset.code]: 1 }
  })
  const outcome = await pay({ plugin, quote, destination })
  await closeConnection(plugin, destination)
  await plugin.disconnect()
  return { ...outcome, maxPacketAmount: quote.maxPacketAmount, packets: seen }
}

function print(object) {
  const asText = (_, value) => (typeof value === 'bigint' ? value.toString() : value)
  process.stdout.write(JSON.stringify(object, asText) + '\n')
}

readline.createInterface({ input: process.stdin }).once('line', (line) =>
  run(JSON.parse(line))
    .then(print, (error) => print({ error: String(error?.stack ?? error) }))
    .then(() => process.exit(0))
)
