-- The shop of the quickstart: customers, a few orders every second, and an account that may read them.
CREATE DATABASE shop;
USE shop;

CREATE TABLE customers (
    id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(60) NOT NULL,
    joined DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
);

CREATE TABLE orders (
    id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
    customer INT UNSIGNED NOT NULL,
    state ENUM('new', 'paid', 'sent') NOT NULL DEFAULT 'new',
    total DECIMAL(9, 2) NOT NULL,
    note TEXT,
    changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    KEY (customer)
);

INSERT INTO customers (name) VALUES ('Ada'), ('Grace'), ('Łukasz'), ('Žofia'), ('小林'), ('Noor');

CREATE USER cdc@'%' IDENTIFIED BY 'cdc';
GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO cdc@'%';

DELIMITER //

CREATE EVENT trade ON SCHEDULE EVERY 1 SECOND DO
BEGIN
    START TRANSACTION;
    INSERT INTO orders (customer, total, note)
        SELECT id, ROUND(RAND() * 200, 2), IF(RAND() < 0.3, 'as a gift, please 🎁', NULL)
        FROM customers ORDER BY RAND() LIMIT 2;
    UPDATE orders SET state = 'paid' WHERE state = 'new' ORDER BY RAND() LIMIT 1;
    COMMIT;
    UPDATE orders SET state = 'sent' WHERE state = 'paid' ORDER BY id LIMIT 1;
    DELETE FROM orders WHERE state = 'sent' ORDER BY id LIMIT 1;
END //

DELIMITER ;
