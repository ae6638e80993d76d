// A sender that nobody here wrote: the client of ilp-protocol-stream, as a plain ILP-over-HTTP peer.
// It asks the connector for its own address and asset by ILDCP.
//
// Reads {"url", "token", "destinationAddress", "sharedSecret", "amountToSend"} as one line and
// answers with one line: what was sent and delivered, and what the connector answered.

'use strict'

const readline = require('node:readline')
const { createConnection } = require('ilp-protocol-stream')
const { HttpPlugin, print } = require('./plugin')

async function run({ url, token, destinationAddress, sharedSecret, amountToSend }) {
  const plugin = new HttpPlugin(url, token)
  const connection = await createConnection({
    plugin,
    destinationAccount: destinationAddress,
    sharedSecret: Buffer.from(sharedSecret, 'hex'),
    slippage: 0
  })
  const { sourceAccount, sourceAssetCode, sourceAssetScale } = connection
  await connection.createStream().sendTotal(amountToSend, { timeout: 60000 })
  const outcome = {
    sourceAccount,
    sourceAssetCode,
    sourceAssetScale,
    destinationAssetCode: connection.destinationAssetCode,
    destinationAssetScale: connection.destinationAssetScale,
    amountSent: connection.totalSent,
    amountDelivered: connection.totalDelivered
  }
  await connection.end()
  return { ...outcome, packets: plugin.seen }
}

readline.createInterface({ input: process.stdin }).once('line', (line) =>
  run(JSON.parse(line))
    .then(print, (error) => print({ error: String(error?.stack ?? error) }))
    .then(() => process.exit(0))
)
