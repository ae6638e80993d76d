// The audits of npm graphql-http: what GraphQL over HTTP asks of a server. One line of JSON in, with
// the URL; one out, with how each audit ended.
'use strict'

const { createInterface } = require('node:readline')
const { serverAudits } = require('graphql-http')

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { url } = JSON.parse(line)
  const results = []
  for (const audit of serverAudits({ url })) {
    const { id, name, status, reason } = await audit.fn()
    results.push({ id, name, status, reason })
  }
  console.log(JSON.stringify(results))
})
