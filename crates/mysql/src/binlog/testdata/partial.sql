CREATE TABLE partials (id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, j JSON, note VARCHAR(20), k JSON, v INT);
INSERT INTO partials (j, note, k, v) VALUES
(CONCAT('{"a": 1, "b": [1, 2, 3], "c": {"d": {"e": "deep"}}, "pad": "', REPEAT('p', 300), '"}'), 'objects', '[]', 1),
(CONCAT('[0, [1, 2], {"x": true}, "', REPEAT('q', 300), '"]'), 'arrays', '{"unchanged": 1}', 2),
(CONCAT('{"a b": 1, "c.d": [1], "\\"": 2, "ü": 3, "$": 4, "": 5, "1x": 6, "t\\tab": 7, "pad": "', REPEAT('r', 300), '"}'), 'quoted', NULL, 3),
(CONCAT('{"big": "', REPEAT('s', 300), '", "n": [{"m": 1}]}'), 'nested', '{"z": null}', 4),
(CONCAT('{"t": 1, "pad": "', REPEAT('u', 300), '"}'), 'types', CONCAT('{"t": 1, "pad": "', REPEAT('v', 300), '"}'), 5);
SET binlog_row_value_options = 'PARTIAL_JSON';
UPDATE partials SET j = JSON_SET(j, '$.a', 2) WHERE id = 1;
UPDATE partials SET j = JSON_SET(j, '$.new', 'n', '$.b[1]', 20, '$.b[9]', 4, '$.c.d.e', JSON_ARRAY(1, NULL)) WHERE id = 1;
UPDATE partials SET j = JSON_REMOVE(j, '$.b[0]', '$.c.d') WHERE id = 1;
UPDATE partials SET j = JSON_REPLACE(j, '$.a', JSON_OBJECT('o', 1), '$.missing', 3), v = 10 WHERE id = 1;
UPDATE partials SET j = JSON_SET(j, '$.a[1]', 'wrapped') WHERE id = 1;
UPDATE partials SET j = JSON_SET(j, '$[0]', -1, '$[last]', 'end', '$[1][last-1]', 11, '$[2].x', false, '$[2].y', 1.5) WHERE id = 2;
UPDATE partials SET j = JSON_SET(j, '$[last][1]', 'wrap', '$[1][2]', 'append') WHERE id = 2;
UPDATE partials SET j = JSON_REMOVE(j, '$[0]', '$[last]') WHERE id = 2;
UPDATE partials SET j = JSON_SET(j, '$."a b"', 10, '$."c.d"[0]', 11, '$."\\""', 12, '$."ü"', 13, '$."$"', 14, '$.""', 15, '$."1x"', 16, '$."t\\tab"', 17) WHERE id = 3;
UPDATE partials SET j = JSON_REMOVE(j, '$."a b"', '$."\\""', '$.""') WHERE id = 3;
UPDATE partials SET j = JSON_SET(j, '$."brackets[0]"', 1, '$."😀"', 2, '$.zz."q\\"uote"', 3) WHERE id = 3;
UPDATE partials SET j = JSON_SET(j, '$.n[0].m', 70000, '$.n[1]', REPEAT('t', 1000)) WHERE id = 4;
UPDATE partials SET j = JSON_SET(j, '$.t', CAST('2024-02-29 12:34:56.000001' AS DATETIME(6))), k = JSON_SET(k, '$.t', CAST('1.50' AS DECIMAL(10,2))) WHERE id = 5;
UPDATE partials SET j = JSON_SET(j, '$.t', 18446744073709551615), k = JSON_SET(k, '$.t', CAST(x'00ff' AS BINARY)), v = NULL WHERE id = 5;
UPDATE partials SET j = JSON_SET(j, '$.t', JSON_OBJECT('a', JSON_ARRAY(true, 1e-5, -0.0))), k = '{"whole": "document"}' WHERE id = 5;
UPDATE partials SET note = 'j unchanged' WHERE id = 5;
UPDATE partials SET j = NULL WHERE id = 5;
UPDATE partials SET k = JSON_SET(k, '$.whole', 1) WHERE id IN (2, 5);
SET binlog_row_image = NOBLOB;
UPDATE partials SET j = JSON_SET(j, '$.a', 3) WHERE id = 1;
SET binlog_row_image = MINIMAL;
UPDATE partials SET j = JSON_SET(j, '$.a', 4) WHERE id = 1;
UPDATE partials SET v = 11 WHERE id = 1;
SET binlog_row_image = FULL;
DELETE FROM partials WHERE id = 2;
