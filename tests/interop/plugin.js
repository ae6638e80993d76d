// The plugin interface of the Interledger libraries over ILP-over-HTTP: packets go to a connector's
// URL, and come in on a port of our own. It counts what the connector answers.

'use strict'

const http = require('node:http')
const { deserializeIlpPrepare, deserializeIlpReply, isFulfill } = require('ilp-packet')

class HttpPlugin {
  constructor(url, token) {
    this.url = url
    this.headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/octet-stream'
    }
    this.agent = new http.Agent({ keepAlive: true })
    this.seen = { fulfilled: 0, rejected: {}, largestFulfilled: 0n }
    this.handler = undefined
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

  registerDataHandler(handler) {
    this.handler = handler
  }

  deregisterDataHandler() {
    this.handler = undefined
  }

  async sendData(packet) {
    const reply = await this.post(packet)
    const decoded = deserializeIlpReply(reply)
    if (isFulfill(decoded)) {
      this.seen.fulfilled += 1
      const amount = BigInt(deserializeIlpPrepare(packet).amount)
      if (amount > this.seen.largestFulfilled) this.seen.largestFulfilled = amount
    } else {
      this.seen.rejected[decoded.code] = (this.seen.rejected[decoded.code] ?? 0) + 1
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

// Listens on a free port. `answer(request, body)` gives {status, type?, body}.
function listen(answer) {
  const listener = http.createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      const { status, type, body } = await answer(request, Buffer.concat(chunks))
      response
        .writeHead(status, { 'content-type': type ?? 'application/octet-stream' })
        .end(body)
    })
  })
  return new Promise((resolve) =>
    listener.listen(0, '127.0.0.1', () => resolve(listener.address().port))
  )
}

// What an SPSP server answers (IL-RFC 9).
function spsp({ destinationAddress, sharedSecret }) {
  return {
    status: 200,
    type: 'application/spsp4+json',
    body: JSON.stringify({
      destination_account: destinationAddress,
      shared_secret: sharedSecret.toString('base64')
    })
  }
}

function print(object) {
  const asText = (_, value) => (typeof value === 'bigint' ? value.toString() : value)
  process.stdout.write(JSON.stringify(object, asText) + '\n')
}

module.exports = { HttpPlugin, listen, spsp, print }
