CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(300)); CREATE TABLE hidden (id INT PRIMARY KEY);
XA START 'a','branch',7; INSERT INTO items VALUES (1,'a'),(2,'b'); INSERT INTO hidden VALUES (1); SAVEPOINT here; INSERT INTO items VALUES (3,'c'); ROLLBACK TO here; XA END 'a','branch',7; XA PREPARE 'a','branch',7
INSERT INTO items VALUES (10,'between');
XA START 'b'; UPDATE items SET name = 'undone' WHERE id = 10; XA END 'b'; XA PREPARE 'b'
XA START 'c'; INSERT INTO hidden VALUES (2); XA END 'c'; XA PREPARE 'c'
XA ROLLBACK 'b'
BEGIN; INSERT INTO items VALUES (11,'between'); UPDATE items SET name = 'more' WHERE id = 10; COMMIT
XA COMMIT 'c'
XA COMMIT 'a','branch',7
XA START 'd'; DELETE FROM items WHERE id = 1; INSERT INTO items VALUES (4,'one phase'); XA END 'd'; XA COMMIT 'd' ONE PHASE
XA START 'b'; INSERT INTO items VALUES (5,'again'); XA END 'b'; XA PREPARE 'b'
XA COMMIT 'b'
-- mysql SET SESSION binlog_transaction_compression=ON; XA START 'z'; INSERT INTO items VALUES (6,'compressed'),(7,REPEAT('wide',70)); INSERT INTO items VALUES (8,'h'); XA END 'z'; XA PREPARE 'z'
-- mysql XA COMMIT 'z'
-- mysql SET SESSION binlog_transaction_compression=ON; XA START 'y'; INSERT INTO items VALUES (9,'compressed'); XA END 'y'; XA COMMIT 'y' ONE PHASE
INSERT INTO items VALUES (12,'last');
