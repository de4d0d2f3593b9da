// What the tours in JavaScript share: what they are asked, and how they say what they saw.

export const BROKER = process.env.WELLHEAD_BROKER
export const TOPIC = process.env.WELLHEAD_TOPIC
export const GROUP = process.env.WELLHEAD_GROUP
export const USER = process.env.WELLHEAD_USER
export const PASSWORD = process.env.WELLHEAD_PASSWORD
export const SECOND = Number(process.env.WELLHEAD_SECOND)
export const COUNT = Number(process.env.WELLHEAD_COUNT)
export const METADATA = '1712905965|tour'

/** One line. */
export function say(event, fields = {}) {
  console.log(JSON.stringify({ event, ...fields }))
}

/** One record as it came. */
export function record(step, message) {
  say('record', {
    step,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key && Buffer.from(message.key).toString('base64'),
    value: Buffer.from(message.value).toString('base64')
  })
}

/** How many records come in the time of three polls. */
export function quiet(taken) {
  const before = taken()
  return new Promise(resolve => setTimeout(() => resolve(taken() - before), 900))
}
