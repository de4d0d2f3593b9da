"""The same scripted conversations with Apache Kafka's real broker and with Wellhead, their answers compared."""
