BEGIN; INSERT INTO items (id, name) VALUES (21, REPEAT('a', 200)), (22, REPEAT('b', 200)), (23, 'c'); INSERT INTO hidden VALUES (21); UPDATE items SET n = n + 1 WHERE id > 20; DELETE FROM items WHERE id = 22; COMMIT;
INSERT INTO hidden VALUES (22);
BEGIN; INSERT INTO items (id, name) SELECT 100 + a.id * 10 + b.id, REPEAT('wide', 70) FROM items a, items b WHERE a.id < 9 AND b.id < 9; DELETE FROM items WHERE id > 100; COMMIT;
CREATE TABLE copied (PRIMARY KEY (id)) SELECT id, name FROM items;
ALTER TABLE items ADD COLUMN m VARCHAR(40) DEFAULT 'compressed statement text';
INSERT INTO items (id) VALUES (24);
