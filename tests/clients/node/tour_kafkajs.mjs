// The tour of kafkajs. It knows no assignment without a membership, so it takes the first steps as a member.

import kafkajs from 'kafkajs'
import lz4 from 'lz4js'

import { BROKER, COUNT, GROUP, METADATA, PASSWORD, SECOND, TOPIC, USER, quiet, record, say } from './said.mjs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(lz4.decompress(buffer))
})

const kafka = new Kafka({
  brokers: [BROKER],
  sasl: { mechanism: 'plain', username: USER, password: PASSWORD },
  logLevel: logLevel.ERROR
})
const admin = kafka.admin()

/** A member that hands out records only as they are asked for. */
class Member {
  taken = 0
  wanted = 0
  release = () => {}

  async join() {
    this.consumer = kafka.consumer({ groupId: GROUP, maxWaitTimeInMs: 250 })
    const joined = new Promise(resolve => this.consumer.on(this.consumer.events.GROUP_JOIN, resolve))
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
    // What is asked for is known before anything comes.
    this.first = new Promise(resolve => { this.begun = resolve })
    await this.consumer.run({ autoCommit: false, eachMessage: ({ message }) => this.take(message) })
    this.assigned = (await joined).payload.memberAssignment[TOPIC]
    return this
  }

  /** Says a record; the last one that was wanted waits here, so that a seek or a pause comes before the next. */
  async take(message) {
    await this.first
    this.taken++
    record(this.step, message)
    if (--this.wanted === 0) {
      const released = new Promise(resolve => { this.release = resolve })
      this.done()
      await released
    }
  }

  read(step, count) {
    this.step = step
    this.wanted = count
    const done = new Promise(resolve => { this.done = resolve })
    this.begun()
    this.release()
    return done
  }

  async commit(offset, metadata) {
    await this.consumer.commitOffsets([{ topic: TOPIC, partition: 0, offset: String(offset), metadata }])
    const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] })
    const [seen] = topic.partitions
    say('committed', { offset: Number(seen.offset), metadata: seen.metadata })
  }

  async close() {
    this.release()
    await this.consumer.disconnect()
  }
}

await admin.connect()
let member = await new Member().join()
await member.read('assign', COUNT)
const [range] = await admin.fetchTopicOffsets(TOPIC)
say('range', { beginning: Number(range.low), end: Number(range.high) })
const [found] = await admin.fetchTopicOffsetsByTimestamp(TOPIC, SECOND)
say('time', { offset: Number(found.offset) })
member.consumer.seek({ topic: TOPIC, partition: 0, offset: found.offset })
await member.read('seek', 1)
member.consumer.pause([{ topic: TOPIC }])
member.release()
say('paused', { records: await quiet(() => member.taken) })
const resumed = member.read('resume', 1)
member.consumer.resume([{ topic: TOPIC }])
await resumed
await member.commit(COUNT, METADATA)
await member.close()

member = await new Member().join()
say('assigned', { partitions: member.assigned })
await member.read('subscribe', COUNT)
await member.commit(2 * COUNT, '')
await member.close()

member = await new Member().join()
await member.read('rejoin', 1)
await member.close()
await admin.disconnect()
say('done')
