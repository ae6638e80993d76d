// A receiver of events as Rafiki's integrators write it: JSON.parse, canonicalize as RFC 8785 does,
// HMAC. One line of JSON in: what was received, and the secret; one out: whether the signature holds.
'use strict'

const { createHmac } = require('node:crypto')
const { createInterface } = require('node:readline')
const { canonicalize } = require('json-canonicalize')

createInterface({ input: process.stdin }).on('line', (line) => {
  const { secret, body, signature } = JSON.parse(line)
  const [time, digest] = signature.split(', ').map((part) => part.split('=')[1])
  const event = JSON.parse(body)
  const expected = createHmac('sha256', secret).update(`${time}.${canonicalize(event)}`)
  console.log(JSON.stringify({ isRight: expected.digest('hex') === digest, event }))
})
