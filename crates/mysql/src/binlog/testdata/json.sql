CREATE TABLE docs (id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, j JSON);
INSERT INTO docs (j) VALUES ('null'),('true'),('false'),('0'),('-1'),('32767'),('-32768'),('32768'),('65535'),('65536'),
('2147483647'),('-2147483648'),('2147483648'),('4294967295'),('4294967296'),('9223372036854775807'),('-9223372036854775808'),('18446744073709551615'),
('18446744073709551616'),('1.0'),('-0.0'),('0.1'),('1e-5'),('1e15'),('1e14'),('123456789012345.0'),('1234567890123456.0'),('1e16'),('1e-14'),('1e-15'),('1e-16'),('1.5e300'),('5e-324'),('1.7976931348623157e308'),('100.25'),('-12.5e-20'),('12345678901234567890.5'),
('""'),('"a\\"b\\\\c\\/d\\b\\f\\n\\r\\t"'),('"\\u0000\\u0001\\u001f\\u007f"'),('"ünïcödé 😀"'),('[]'),('{}'),('[1, "a", null, true, {"b": [1.5, {}]}]'),('{"b": 1, "a": [1, 2], "": {"": ""}, "aa": 70000, "dup": 1, "dup": 2}');
INSERT INTO docs (j) VALUES
(JSON_ARRAY(CAST('1.50' AS DECIMAL(10,2)), CAST('-0.001' AS DECIMAL(30,20)), CAST('2024-02-29' AS DATE), CAST('12:34:56.7' AS TIME(1)), CAST('-838:59:59' AS TIME), CAST('2024-02-29 12:34:56.000001' AS DATETIME(6)), CAST('2024-02-29 12:34:56' AS DATETIME), TIMESTAMP'2024-02-29 12:34:56')),
(JSON_ARRAY(b'101', x'DEADBEEF', CAST('abc' AS BINARY), CAST(REPEAT('x', 100) AS BINARY))),
(JSON_OBJECT('big', REPEAT('k', 70000), 'n', 1, 'i', 70000, 'arr', JSON_ARRAY(REPEAT('l', 200), 40000, 4000000000, -5))),
(JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))),
(NULL);
SET @deep = '0';
SET @deep = CONCAT(REPEAT('[', 99), '1', REPEAT(']', 99));
INSERT INTO docs (j) VALUES (@deep);
