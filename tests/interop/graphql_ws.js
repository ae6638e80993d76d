// A client of the admin API's WebSocket: npm graphql-ws, which GraphiQL, Apollo and urql drive, over
// npm ws. One line of JSON in: where to connect, what to ask and to follow; one out: what came, and
// how the connection ended.
'use strict'

const { createInterface } = require('node:readline')
const { createClient } = require('graphql-ws')
const WebSocket = require('ws')

// Asks and follows over one connection, ends the subscription after its first result, and then the
// connection.
async function converse({ url, connectionParams, query, subscription, variables }) {
  let ended
  const end = new Promise((resolve) => (ended = resolve))
  const pongs = []
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => {},
    on: {
      closed: ({ code, reason, wasClean }) => ended({ code, reason, wasClean }),
      pong: (received, payload) => received && pongs.push(payload ?? null),
    },
  })
  const told = { answers: [], pongs }
  try {
    for await (const answer of client.iterate({ query })) told.answers.push(answer)
    const followed = client.iterate({ query: subscription, variables })
    told.followed = (await followed.next()).value
    await followed.return()
    try {
      for await (const answer of client.iterate({ query: '{ nothing }' })) told.answers.push(answer)
    } catch (errors) {
      told.invalid = errors
    }
    await client.dispose()
  } catch (error) {
    told.error = String(error.message ?? error)
  }
  return { ...told, closed: await end }
}

// Sends messages in one go, as a client does that doesn't wait, and collects what comes until the
// node closes, or the last of `until` has come and this side closes.
function send({ url, messages, until, closeCode }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, 'graphql-transport-ws')
    const told = []
    socket.on('open', () => messages.forEach((message) => socket.send(
      typeof message === 'string' ? message : JSON.stringify(message))))
    socket.on('message', (data) => {
      told.push(JSON.parse(data))
      if (told.length === until) socket.close(closeCode)
    })
    socket.on('error', (error) => told.push({ error: error.message }))
    socket.on('close', (code, reason) => resolve({ told, code, reason: String(reason) }))
  })
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const question = JSON.parse(line)
  const answer = question.messages ? await send(question) : await converse(question)
  console.log(JSON.stringify(answer))
})
