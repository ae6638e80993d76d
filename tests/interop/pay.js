// A sender that nobody here wrote: @interledger/pay, as a plain ILP-over-HTTP peer.
//
// Reads {"url", "token", "asset", "destinationAddress", "sharedSecret", "amountToSend"} as one line
// and answers with one line: what was sent and delivered, in which time, and how many packets of which
// outcome the connector answered. "amountToDeliver" may stand for "amountToSend", and "destinationAsset",
// "slippage" (0) and "prices" may be given; where there are no prices, the rate agreed on is the one
// that a first probe finds.

'use strict'

const readline = require('node:readline')
const { setupPayment, startQuote, pay, closeConnection, Ratio } = require('@interledger/pay')
const { HttpPlugin, print } = require('./plugin')

const toBigInt = (text) => (text === undefined ? undefined : BigInt(text))

// Prices that mean the lowest rate that was probed. The library wants them as doubles, so the one
// that is no more than the rate.
async function probedPrices(options, from, to) {
  const { lowEstimatedExchangeRate: low } = await startQuote({
    ...options,
    amountToSend: 1n,
    amountToDeliver: undefined,
    slippage: 1
  })
  const places = 10 ** (to.scale - from.scale)
  let price = low.valueOf() / places
  while (Ratio.from(price * places).isGreaterThan(low)) price *= 1 - Number.EPSILON
  return { [from.code]: price, [to.code]: 1 }
}

async function run({ url, token, asset, destinationAddress, sharedSecret, ...rest }) {
  const destinationAsset = rest.destinationAsset ?? asset
  const plugin = new HttpPlugin(url, token)
  const destination = await setupPayment({
    plugin,
    destinationAddress,
    sharedSecret: Buffer.from(sharedSecret, 'hex'),
    destinationAsset
  })
  const options = {
    plugin,
    destination,
    sourceAsset: asset,
    amountToSend: toBigInt(rest.amountToSend),
    amountToDeliver: toBigInt(rest.amountToDeliver)
  }
  const isConverted = asset.code !== destinationAsset.code
  const prices =
    rest.prices ?? (isConverted ? await probedPrices(options, asset, destinationAsset) : {})
  const quote = await startQuote({ ...options, slippage: rest.slippage ?? 0, prices })
  const began = process.hrtime.bigint()
  const outcome = await pay({ plugin, quote, destination })
  const paidInMs = Number((process.hrtime.bigint() - began) / 1_000_000n)
  await closeConnection(plugin, destination)
  await plugin.disconnect()
  const { maxPacketAmount, minDeliveryAmount, maxSourceAmount } = quote
  const agreed = { maxPacketAmount, minDeliveryAmount, maxSourceAmount, prices }
  return { ...outcome, ...agreed, paidInMs, packets: plugin.seen }
}

readline.createInterface({ input: process.stdin }).once('line', (line) =>
  run(JSON.parse(line))
    .then(print, (error) => print({ error: String(error?.stack ?? error) }))
    .then(() => process.exit(0))
)
