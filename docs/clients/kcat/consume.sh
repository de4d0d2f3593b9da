#!/bin/sh
# Prints a line for each record of a topic, from where its group stands.
exec kcat -q -u -b "${WELLHEAD_BROKER:-127.0.0.1:9092}" \
    -X security.protocol=SASL_PLAINTEXT -X sasl.mechanism=PLAIN \
    -X sasl.username="${WELLHEAD_USER:-reader-dtsgroupid}" -X sasl.password="${WELLHEAD_PASSWORD:-Secret_123}" \
    -X auto.offset.reset=earliest \
    -f '{"offset": %o, "time": %T, "bytes": %S}\n' \
    -G "${WELLHEAD_GROUP:-dtsgroupid}" "${WELLHEAD_TOPIC:-shop}"
