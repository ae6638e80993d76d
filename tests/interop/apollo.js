// Apollo Client over each of its links: POST, GET, persisted queries, and the WebSocket's. One line of
// JSON in: where the node is, what to ask and to follow; one out: what came over each link, and what
// was sent.
'use strict'

const { createInterface } = require('node:readline')
const { ApolloClient, HttpLink, InMemoryCache, gql } = require('@apollo/client')
const { GraphQLWsLink } = require('@apollo/client/link/subscriptions')
const { PersistedQueryLink } = require('@apollo/client/link/persisted-queries')
const { createClient } = require('graphql-ws')
const { createHash } = require('node:crypto')
const WebSocket = require('ws')

const sha256 = (text) => createHash('sha256').update(text).digest('hex')

// The requests that `fetch` sends, with the status and the media type of their answers.
function watched(sent) {
  return async (url, options) => {
    const response = await fetch(url, options)
    sent.push({
      method: options.method,
      hasQuery: options.method === 'GET'
        ? new URL(url).searchParams.has('query')
        : 'query' in JSON.parse(options.body),
      status: response.status,
      type: response.headers.get('content-type'),
    })
    return response
  }
}

function client(link) {
  return new ApolloClient({
    link,
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache', errorPolicy: 'all' } },
  })
}

async function asked(link, query, variables, sent) {
  const apollo = client(link)
  const { data, error } = await apollo.query({ query, variables })
  apollo.stop()
  return { data, error: error && error.message, sent }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { uri, url, query, subscription, variables } = JSON.parse(line)
  const told = {}
  const over = async (name, makeLink, text = query) => {
    const sent = []
    const http = (options) => new HttpLink({ uri, fetch: watched(sent), ...options })
    try {
      told[name] = await asked(makeLink(http), gql(text), variables, sent)
    } catch (error) {
      told[name] = { error: String(error), sent }
    }
  }
  await over('post', (http) => http({}))
  await over('get', (http) => http({ useGETForQueries: true }))
  await over('persisted', (http) => new PersistedQueryLink({ sha256 }).concat(http({})))
  await over('persistedByGet', (http) =>
    new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(http({})))
  await over('invalid', (http) => http({}), '{ nothing }')

  let ended
  const end = new Promise((resolve) => (ended = resolve))
  const socket = createClient({
    url,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: { closed: ({ code, wasClean }) => ended({ code, wasClean }) },
  })
  const apollo = client(new GraphQLWsLink(socket))
  const overSocket = await apollo.query({ query: gql(query), variables })
  const first = await new Promise((resolve, reject) => {
    const followed = apollo.subscribe({ query: gql(subscription), variables }).subscribe({
      next: (result) => {
        followed.unsubscribe()
        resolve(result)
      },
      error: reject,
    })
  })
  apollo.stop()
  socket.dispose()
  told.socket = { data: overSocket.data, followed: first.data, closed: await end }
  console.log(JSON.stringify(told))
})
