// Signs bodies as clients in JavaScript do: parse, sort, JSON.stringify, HMAC. By RFC 8785 that is
// what canonical JSON means, so it shows what the node must take. One line of JSON in, one out.
'use strict'

const { createHmac } = require('node:crypto')
const { createInterface } = require('node:readline')

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  // Without a comparison, sort() goes by UTF-16 units. A Map keeps the order also of names that
  // look like numbers, which an object would move to the front.
  return new Map(Object.keys(value).sort().map((name) => [name, sorted(value[name])]))
}

function written(value) {
  if (value instanceof Map) {
    const members = [...value].map(([name, of]) => `${JSON.stringify(name)}:${written(of)}`)
    return `{${members.join(',')}}`
  }
  return Array.isArray(value) ? `[${value.map(written).join(',')}]` : JSON.stringify(value)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { secret, body, offsetMs } = JSON.parse(line)
  const time = Date.now() + offsetMs
  const signed = `${time}.${written(sorted(JSON.parse(body)))}`
  const digest = createHmac('sha256', secret).update(signed).digest('hex')
  console.log(JSON.stringify({ signature: `t=${time}, v1=${digest}` }))
})
