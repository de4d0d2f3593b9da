// The tour of @platformatic/kafka, in the release that PLATFORMATIC names. It reads as a member of its group only.

import { BROKER, COUNT, GROUP, PASSWORD, SECOND, TOPIC, USER, quiet, record, say } from './said.mjs'

const { Consumer } = await import(process.env.PLATFORMATIC)

function connect() {
  return new Consumer({
    groupId: GROUP,
    clientId: 'tour',
    bootstrapBrokers: [BROKER],
    sasl: { mechanism: 'PLAIN', username: USER, password: PASSWORD },
    autocommit: false,
    maxWaitTime: 250
  })
}

/** Records as they are asked for; between two readings the stream is paused. */
class Reading {
  taken = 0

  constructor(stream) {
    this.stream = stream
    stream.pause()
    stream.on('data', message => this.take(message))
  }

  take(message) {
    this.taken++
    record(this.step, message)
    if (--this.wanted === 0) {
      this.stream.pause()
      this.done()
    }
  }

  read(step, count) {
    this.step = step
    this.wanted = count
    const done = new Promise(resolve => { this.done = resolve })
    this.stream.resume()
    return done
  }
}

async function from(consumer, offset) {
  const offsets = [{ topic: TOPIC, partition: 0, offset: BigInt(offset) }]
  return new Reading(await consumer.consume({ topics: [TOPIC], mode: 'manual', offsets }))
}

async function offset(consumer, timestamp) {
  const found = await consumer.listOffsets({ topics: [TOPIC], timestamp: BigInt(timestamp) })
  return Number(found.get(TOPIC)[0])
}

async function commit(consumer, offset) {
  await consumer.commit({ offsets: [{ topic: TOPIC, partition: 0, offset: BigInt(offset), leaderEpoch: -1 }] })
  const seen = await consumer.listCommittedOffsets({ topics: [{ topic: TOPIC, partitions: [0] }] })
  say('committed', { offset: Number(seen.get(TOPIC)[0]) })
}

async function subscribed(step, count) {
  const consumer = connect()
  const reading = new Reading(await consumer.consume({ topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest' }))
  await reading.read(step, count)
  if (count > 1) {
    say('assigned', { partitions: consumer.assignments.flatMap(one => one.partitions) })
    await commit(consumer, 2 * COUNT)
  }
  await consumer.close(true)
}

say('cannot', { step: 'metadata' })
const consumer = connect()
let reading = await from(consumer, 0)
await reading.read('assign', COUNT)
say('range', { beginning: await offset(consumer, -2), end: await offset(consumer, -1) })
const found = await offset(consumer, SECOND)
say('time', { offset: found })
await reading.stream.close()
reading = await from(consumer, found)
await reading.read('seek', 1)
say('paused', { records: await quiet(() => reading.taken) })
await reading.read('resume', 1)
await commit(consumer, COUNT)
await consumer.close(true)

await subscribed('subscribe', COUNT)
await subscribed('rejoin', 1)
say('done')
