CREATE TABLE accounts (id INT NOT NULL, region VARCHAR(20) NOT NULL, amount INT, note VARCHAR(50), PRIMARY KEY (region, id));
BEGIN; INSERT INTO accounts VALUES (1,'eu',10,'a'),(2,'eu',20,NULL),(3,'us',30,'c'); UPDATE accounts SET amount = amount + 1; DELETE FROM accounts WHERE id = 2; COMMIT;
ALTER TABLE accounts ADD COLUMN extra BIGINT UNSIGNED NOT NULL DEFAULT 7;
INSERT INTO accounts (id, region) VALUES (9, 'ap');
XA START 'global','branch',7; INSERT INTO accounts (id, region) VALUES (10, 'xa'); XA END 'global','branch',7; XA PREPARE 'global','branch',7; XA COMMIT 'global','branch',7;
SET SESSION binlog_row_image=MINIMAL; UPDATE accounts SET note = 'minimal' WHERE id = 9; INSERT INTO accounts (id, region) VALUES (11, 'mi'); DELETE FROM accounts WHERE id = 11; SET SESSION binlog_row_image=FULL;
TRUNCATE TABLE accounts;
DROP TABLE accounts;
