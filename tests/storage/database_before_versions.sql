-- A database as programs wrote it that kept no number of their schema.
BEGIN TRANSACTION;
CREATE TABLE announcements (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset VARCHAR(200) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	content JSON NOT NULL, 
	received DATETIME NOT NULL
);
INSERT INTO "announcements" VALUES(1,'demo','item','new','{"title": "New"}','2026-11-27 18:58:18.387380');
INSERT INTO "announcements" VALUES(2,'demo','user','u1','{"age": "45-54"}','2026-11-27 18:58:18.387380');
CREATE TABLE api_keys (
	id VARCHAR(16) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	scopes JSON NOT NULL, 
	rate FLOAT NOT NULL, 
	created DATETIME NOT NULL, 
	ends DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	subject VARCHAR(100) NOT NULL, 
	"before" VARCHAR(60), 
	note TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-11-27 18:58:18.315465','ann','promote','20250102-030405-abcd',NULL,'first');
INSERT INTO "audit" VALUES(2,'2026-11-27 18:58:18.327408','ann','note','model 20250102-030405-abcd',NULL,'good one');
CREATE TABLE documents (
	id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	version INTEGER NOT NULL, 
	content JSON, 
	saved DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (kind, name, version)
);
INSERT INTO "documents" VALUES(1,'persona','Ann',1,'{"history": ["1"], "user": {"age": "45-54"}}','2026-11-27 18:58:18.349980');
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset VARCHAR(200) NOT NULL, 
	"key" VARCHAR(300) NOT NULL, 
	digest VARCHAR(32) NOT NULL, 
	user_id VARCHAR(500) NOT NULL, 
	item_id VARCHAR(500) NOT NULL, 
	timestamp DATETIME NOT NULL, 
	event VARCHAR(50) NOT NULL, 
	quantity FLOAT NOT NULL, 
	value FLOAT NOT NULL, 
	received DATETIME NOT NULL, 
	UNIQUE (dataset, "key")
);
INSERT INTO "events" VALUES(1,'demo','id:1','d5e2d1e671c88884d1ba553d0abb015d','u1','1','2025-01-02 00:00:00.000000','purchase',1.0,2.5,'2026-11-27 18:58:18.387380');
CREATE TABLE notes (
	subject VARCHAR(100) NOT NULL, 
	note TEXT NOT NULL, 
	tags JSON NOT NULL, 
	PRIMARY KEY (subject)
);
INSERT INTO "notes" VALUES('model 20250102-030405-abcd','good one','["spring"]');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	dataset VARCHAR(200) NOT NULL, 
	recipe JSON NOT NULL, 
	seed INTEGER NOT NULL, 
	promote BOOLEAN NOT NULL, 
	created DATETIME NOT NULL, 
	started DATETIME, 
	ended DATETIME, 
	process VARCHAR(60), 
	cancel_requested BOOLEAN NOT NULL, 
	progress JSON NOT NULL, 
	message TEXT NOT NULL, 
	model VARCHAR(60), 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'train','done','demo','{"components": 16}',3,0,'2026-11-27 18:58:18.115428',NULL,'2026-11-27 18:58:18.281517',NULL,0,'{"step": "Waiting for its turn"}','','20250102-030405-abcd');
CREATE INDEX events_by_user ON events (dataset, user_id, id);
CREATE INDEX announcements_by_name ON announcements (dataset, kind, name, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',1);
INSERT INTO "sqlite_sequence" VALUES('announcements',2);
COMMIT;
