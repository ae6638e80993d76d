// A sender that nobody here wrote: @interledger/pay, as a plain ILP-over-HTTP peer.
//
// Reads {"url", "token", "asset", "destinationAddress", "sharedSecret", "amountToSend"} as one line
// and answers with one line: what was sent and delivered, and how many packets of which outcome
// the connector answered.

'use strict'

const readline = require('node:readline')
const { setupPayment, startQuote, pay, closeConnection } = require('@interledger/pay')
const { HttpPlugin, print } = require('./plugin')

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
  return { ...outcome, maxPacketAmount: quote.maxPacketAmount, packets: plugin.seen }
}

readline.createInterface({ input: process.stdin }).once('line', (line) =>
  run(JSON.parse(line))
    .then(print, (error) => print({ error: String(error?.stack ?? error) }))
    .then(() => process.exit(0))
)
