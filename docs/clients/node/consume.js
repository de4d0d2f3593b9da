// Prints the row changes of a topic as lines of JSON, from where its group stands.

import { readFileSync } from 'node:fs'
import { Consumer } from '@platformatic/kafka'
import avsc from 'avsc'

const BROKER = process.env.WELLHEAD_BROKER ?? '127.0.0.1:9092'
const TOPIC = process.env.WELLHEAD_TOPIC ?? 'shop'
const GROUP = process.env.WELLHEAD_GROUP ?? 'dtsgroupid'
const USER = process.env.WELLHEAD_USER ?? 'reader-dtsgroupid'
const PASSWORD = process.env.WELLHEAD_PASSWORD ?? 'Secret_123'

// The file is a list of named types; the last one is the record.
const types = JSON.parse(readFileSync(new URL('../record.avsc', import.meta.url)))
const schema = avsc.Type.forSchema(types, { wrapUnions: true }).types.at(-1)

// One side of a row as {column: text}; null where there is none.
function image (record, side) {
  const values = record[side]?.array
  if (!values) return null
  return Object.fromEntries(record.fields.array.map((field, index) => [field.name, text(values[index])]))
}

// Numbers come as digits, text as bytes with the name of its charset; null is SQL NULL.
function text (union) {
  if (union === null) return null
  const [typed] = Object.values(union)
  const inner = typed.value ?? typed
  if (!Buffer.isBuffer(inner)) return inner
  if (!typed.charset) return inner.toString('hex')
  return new TextDecoder(typed.charset.replace(/^utf8mb[34]$/, 'utf-8')).decode(inner)
}

const consumer = new Consumer({
  groupId: GROUP,
  clientId: 'consume',
  bootstrapBrokers: [BROKER],
  // `wellhead tap` asks for no login.
  sasl: USER ? { mechanism: 'PLAIN', username: USER, password: PASSWORD } : undefined
})
const stream = await consumer.consume({
  topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest', autocommit: false
})
process.once('SIGINT', () => consumer.close(true))

for await (const message of stream) {
  const record = schema.fromBuffer(message.value)
  if (['INSERT', 'UPDATE', 'DELETE'].includes(record.operation)) { // no BEGIN, COMMIT, DDL, HEARTBEAT
    console.log(JSON.stringify({
      offset: Number(message.offset),
      operation: record.operation,
      table: record.objectName.string,
      before: image(record, 'beforeImages'),
      after: image(record, 'afterImages')
    }))
  }
  message.commit() // after the work is done, so that nothing is lost
}
