CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, hidden INT INVISIBLE DEFAULT 3, tags JSON, doubled INT AS (id * 2) VIRTUAL, tripled INT AS (id * 3) STORED, KEY tag ((CAST(tags->'$' AS UNSIGNED ARRAY))), KEY half ((id DIV 2)));
INSERT INTO vectors (id, v, tags) VALUES (1, STRING_TO_VECTOR('[1,-2.5,3e10]'), '[1,2,3]');
SET gtid_next='AUTOMATIC:blue_1'; INSERT INTO vectors (id, v, tags) VALUES (2, STRING_TO_VECTOR('[0,0,0]'), '[]'); SET gtid_next='AUTOMATIC';
SET gtid_next='AUTOMATIC:blue_1'; DELETE FROM vectors WHERE id = 1; SET gtid_next='AUTOMATIC';
