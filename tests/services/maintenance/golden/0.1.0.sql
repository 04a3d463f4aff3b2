BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE alert_deliveries (
	id INTEGER NOT NULL, 
	incident_id INTEGER, 
	kind TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	at TEXT NOT NULL, 
	delivered INTEGER NOT NULL, 
	note TEXT, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	path TEXT NOT NULL, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	next_try_at TEXT, 
	CONSTRAINT pk_alert_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_alert_deliveries_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id) ON DELETE SET NULL
)
 STRICT

;
CREATE TABLE api_tokens (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	prefix TEXT NOT NULL, 
	token_hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	expires_at TEXT, 
	revoked_at TEXT, 
	last_used_at TEXT, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT uq_api_tokens_token_hash UNIQUE (token_hash)
)
 STRICT

;
INSERT INTO "api_tokens" VALUES(1,'Display','pms_790046fa','22f916034d834a18fea2a6ac3b5fcf362e212968ee646c5a5f3f17569bd08c26','viewer','2026-11-22T22:00:00.000000+00:00','user:1 Mel','2027-11-22T22:00:00.000000+00:00',NULL,NULL);
CREATE TABLE audit_events (
	id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject TEXT, 
	detail TEXT, 
	request_id TEXT, 
	remote_addr TEXT, 
	previous_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit_events PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "audit_events" VALUES(1,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','user.added','user:1','{"clinician_id":null,"role":"admin"}',NULL,NULL,'0000000000000000000000000000000000000000000000000000000000000000','75db9439b09ed04d05fb2cde16f9140c82029aa5b32b8e54b9afb0b48461a457');
INSERT INTO "audit_events" VALUES(2,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','user.added','user:2','{"clinician_id":null,"role":"reception"}',NULL,NULL,'75db9439b09ed04d05fb2cde16f9140c82029aa5b32b8e54b9afb0b48461a457','3d718a875226fd2a1eb439ecd3c0ef54236ee62560c42004cc6a8e6df75953ea');
INSERT INTO "audit_events" VALUES(3,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','api_token.created','api_token:1','{"days":365,"role":"viewer"}',NULL,NULL,'3d718a875226fd2a1eb439ecd3c0ef54236ee62560c42004cc6a8e6df75953ea','d9dc5664c9c32c870e9badfbbb7bc886eea24cec5800bad24cc6a6584329db94');
INSERT INTO "audit_events" VALUES(4,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','connection.created','connection:1','{"cards_taken_back":0,"login":["app_id","client_id","client_secret"],"pms_type":"gentu"}',NULL,NULL,'d9dc5664c9c32c870e9badfbbb7bc886eea24cec5800bad24cc6a6584329db94','0f7439b0ed4f3cb1264f2621a9be3a9eefec91b8157cd1d1553b665f087726c0');
INSERT INTO "audit_events" VALUES(5,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','connection.paired','connection:1','{"cards_taken_back":0,"tenant_id":"586e3a04-718d-4348-adf7-f11c8c433794"}',NULL,NULL,'0f7439b0ed4f3cb1264f2621a9be3a9eefec91b8157cd1d1553b665f087726c0','643575f95542684460fcdc6c1ea1ee2b00e8d8f1306688f3d433761336808938');
INSERT INTO "audit_events" VALUES(6,'2026-11-22T22:00:00.000000+00:00','user:1 Mel','clinician.created','clinician:1',NULL,NULL,NULL,'643575f95542684460fcdc6c1ea1ee2b00e8d8f1306688f3d433761336808938','e58891267a59196e3ed49161f9a991f219de2847fdabb8b2ee55cd04cb8166f3');
INSERT INTO "audit_events" VALUES(7,'2026-11-22T22:01:00.000000+00:00','user:1 Mel','connection.practitioners_decided','connection:1','{"decided":{"3004a053-0b5f-49ab-8bc1-cc4eeb0352ad":"create","843cd68b-b7be-497d-9f4f-cf34e0844705":"map","9a5706f4-094f-4cc5-ab1a-02b7c109c572":"ignore"}}',NULL,NULL,'e58891267a59196e3ed49161f9a991f219de2847fdabb8b2ee55cd04cb8166f3','2440b629ebba6c8620ad9f40c77784afd741827733378c2208fcd5cbaf532906');
INSERT INTO "audit_events" VALUES(8,'2026-11-22T22:03:00.000000+00:00','user:1 Mel','connection.types_decided','connection:1','{"types":["32ad0590-8477-4401-8b35-a2d05c073867"]}',NULL,NULL,'2440b629ebba6c8620ad9f40c77784afd741827733378c2208fcd5cbaf532906','b23a4c104520e86ec25bb0f93b1731f5915563aad6765218d68d75290db06dc0');
INSERT INTO "audit_events" VALUES(9,'2026-11-22T22:03:00.000000+00:00','user:1 Mel','connection.changed','connection:1','{"fields":["sync_enabled"]}',NULL,NULL,'b23a4c104520e86ec25bb0f93b1731f5915563aad6765218d68d75290db06dc0','39cc10ddf14885b7713e43604b8f5fe95300c59f11bccda120c5abe254bb4432');
INSERT INTO "audit_events" VALUES(10,'2026-11-22T22:03:00.000000+00:00','user:1 Mel','run.request','run:1','{"connection_id":1,"dry_run":false,"trigger":"setup"}',NULL,NULL,'39cc10ddf14885b7713e43604b8f5fe95300c59f11bccda120c5abe254bb4432','5336469568024ffe6406e3cf59adcff40cec0a6edde58e4db2c8ce8cfa5fc43b');
INSERT INTO "audit_events" VALUES(11,'2026-11-22T22:18:00.000000+00:00','user:1 Mel','card.edit','card:1','{"fields":["notes","patient_phone"]}',NULL,NULL,'5336469568024ffe6406e3cf59adcff40cec0a6edde58e4db2c8ce8cfa5fc43b','7620af1c53926ddc89e47396e9070ba772cb06c300fef55290fd88bce40b6353');
INSERT INTO "audit_events" VALUES(12,'2026-11-22T22:18:00.000000+00:00','user:1 Mel','card.edit','card:2','{"fields":["duration_minutes"]}',NULL,NULL,'7620af1c53926ddc89e47396e9070ba772cb06c300fef55290fd88bce40b6353','53c99850bd450fa0653ccdfc297ded52f1b2eccd8fdace5f40ac65a6a9955d1a');
INSERT INTO "audit_events" VALUES(13,'2026-11-22T22:18:00.000000+00:00','user:1 Mel','card.add','card:35','{"date":"2026-11-23"}',NULL,NULL,'53c99850bd450fa0653ccdfc297ded52f1b2eccd8fdace5f40ac65a6a9955d1a','cdd04fa213549428a97c564dbe7a7e1555f2efa5d64eb9ef5b58bbd4c576a972');
INSERT INTO "audit_events" VALUES(14,'2026-11-22T22:18:00.000000+00:00','user:1 Mel','run.request','run:2','{"connection_id":1,"dry_run":false,"trigger":"manual"}',NULL,NULL,'cdd04fa213549428a97c564dbe7a7e1555f2efa5d64eb9ef5b58bbd4c576a972','281c44b739b0bbcd581bf1f5785870922c069daf37669a501b10dc9d353453fc');
INSERT INTO "audit_events" VALUES(15,'2026-11-22T22:33:00.000000+00:00','user:1 Mel','run.request','run:3','{"connection_id":1,"dry_run":false,"trigger":"manual"}',NULL,NULL,'281c44b739b0bbcd581bf1f5785870922c069daf37669a501b10dc9d353453fc','f1f74e0631c07b3f94495de70987c96258d16fe8a29f4f95b6f8b37ae801df0b');
INSERT INTO "audit_events" VALUES(16,'2026-11-22T22:48:00.000000+00:00','user:1 Mel','run.request','run:4','{"connection_id":1,"dry_run":false,"trigger":"manual"}',NULL,NULL,'f1f74e0631c07b3f94495de70987c96258d16fe8a29f4f95b6f8b37ae801df0b','58e0757fddc6cd3954583ffda180173aa8548a6b9771fdbf6016f94362a4bc29');
INSERT INTO "audit_events" VALUES(17,'2026-11-22T22:48:00.000000+00:00','user:1 Mel','session.started','user:1','{"session_id":1}',NULL,NULL,'58e0757fddc6cd3954583ffda180173aa8548a6b9771fdbf6016f94362a4bc29','6a4925cb777860c2d6bb487f7a7d5200f7847886ba5eb4b0eca368c3dbea56ef');
INSERT INTO "audit_events" VALUES(18,'2026-11-22T22:48:00.000000+00:00','user:1 Mel','run.request','run:5','{"connection_id":1,"dry_run":true,"trigger":"manual"}',NULL,NULL,'6a4925cb777860c2d6bb487f7a7d5200f7847886ba5eb4b0eca368c3dbea56ef','a1d5c37480d402a5373bc8150d6b01045a611f0b76d5960883b35b65da61bec7');
CREATE TABLE clinic (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	state TEXT, 
	hours TEXT NOT NULL, 
	closed_days TEXT NOT NULL, 
	jitter_s INTEGER NOT NULL, 
	is_training INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_clinic PRIMARY KEY (id)
)
 STRICT

;
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	connection_id INTEGER, 
	run_id INTEGER, 
	date TEXT, 
	clinician_id INTEGER, 
	appointment_ids TEXT NOT NULL, 
	field TEXT, 
	ours TEXT, 
	theirs TEXT, 
	since TEXT NOT NULL, 
	marker TEXT, 
	state TEXT NOT NULL, 
	choice TEXT, 
	undo TEXT, 
	decided_by TEXT, 
	decided_at TEXT, 
	CONSTRAINT pk_decisions PRIMARY KEY (id), 
	CONSTRAINT fk_decisions_clinician_id FOREIGN KEY(clinician_id) REFERENCES run_sheet_clinicians (id), 
	CONSTRAINT fk_decisions_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT fk_decisions_run_id FOREIGN KEY(run_id) REFERENCES pms_sync_log (id) ON DELETE SET NULL
)
 STRICT

;
INSERT INTO "decisions" VALUES(1,'field_conflict','field:2:duration_minutes',1,2,'2026-11-23',2,'[2]','duration_minutes','35','60','2026-11-22T22:18:00.000000+00:00',NULL,'open',NULL,NULL,NULL,NULL);
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	subject TEXT NOT NULL, 
	connection_id INTEGER, 
	code TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	opened_at TEXT, 
	escalated_at TEXT, 
	ended_at TEXT, 
	snoozed_until TEXT, 
	snoozed_by TEXT, 
	snoozed_reason TEXT, 
	CONSTRAINT pk_incidents PRIMARY KEY (id), 
	CONSTRAINT fk_incidents_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE
)
 STRICT

;
CREATE TABLE login_throttles (
	id INTEGER NOT NULL, 
	key_hash TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	last_failure_at TEXT NOT NULL, 
	blocked_until TEXT, 
	CONSTRAINT pk_login_throttles PRIMARY KEY (id), 
	CONSTRAINT uq_login_throttles_key_hash UNIQUE (key_hash)
)
 STRICT

;
CREATE TABLE metric_counters (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	value REAL NOT NULL, 
	CONSTRAINT pk_metric_counters PRIMARY KEY (id), 
	CONSTRAINT uq_metric_counters_name_labels UNIQUE (name, labels)
)
 STRICT

;
CREATE TABLE pms_appointment_types (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	pms_type_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	default_duration_minutes INTEGER, 
	colour TEXT, 
	active INTEGER NOT NULL, 
	is_telehealth INTEGER, 
	pms_is_telehealth INTEGER, 
	sync_enabled INTEGER NOT NULL, 
	suggested INTEGER NOT NULL, 
	evidence TEXT, 
	first_seen_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_appointment_types PRIMARY KEY (id), 
	CONSTRAINT fk_pms_appointment_types_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_appointment_types_connection_id_pms_type_id UNIQUE (connection_id, pms_type_id)
)
 STRICT

;
INSERT INTO "pms_appointment_types" VALUES(1,1,'32ad0590-8477-4401-8b35-a2d05c073867','AFTER HOURS PHONE',15,'#3b82f6',1,1,NULL,1,1,'named "phone"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(2,1,'2e0df19c-587f-4593-9c5e-15b2426f4085','Blood test',10,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(3,1,'d0904b51-f828-4de1-bad5-6098ed255a93','Care plan',40,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(4,1,'837eb293-25d4-458f-bfd2-9596c6d84cdd','Case conference',240,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(5,1,'aa6734bb-30c9-4af8-9bb5-dc4b35befe79','Dietitian: first visit',60,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(6,1,'a0a13afb-194a-45fe-9a2c-cb00a3aea904','Dressing',15,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(7,1,'3fb1ce84-41fc-484d-a8dc-83bd3918780d','Home visit',60,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(8,1,'33efcfc2-338c-4b64-bea0-990a94351161','Immunisation',10,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(9,1,'108a124d-c9c6-48eb-a464-37c6a8c3e88d','Long consult',30,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(10,1,'79075a11-3eab-4ace-9181-ec1573e161cc','Mental health plan (online)',40,'#3b82f6',1,NULL,NULL,1,1,'named "online"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(11,1,'da60aa0f-666e-4a73-b2ec-e674d2c8ea5d','Minor surgery',90,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(12,1,'bef9d882-c75e-4194-9141-40a1b9d6da1e','New patient',45,NULL,1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(13,1,'df763406-d3e2-43dd-af12-047e4a1a3655','Phone review',10,'#3b82f6',1,NULL,NULL,1,1,'named "phone"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(14,1,'1e88ce33-f36d-4036-b86a-46692a7b5a5b','Pre-employment medical',60,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(15,1,'e398b681-95a4-4c78-b4fb-909961c0c7a6','Procedure',60,'#b91c1c',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(16,1,'e1c1936b-b1dd-4d47-8635-d40527b72d96','Regional outreach',30,'#0f766e',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(17,1,'b549a89b-84b9-45c4-b334-6a5d7e1637e9','Review',15,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(18,1,'9d0c715b-ab07-4989-a499-26a6a2663e20','Skin check',30,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(19,1,'7fb58675-27ab-42be-974e-9400deada3f3','Spirometry',NULL,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(20,1,'abe76c2a-43e5-4415-875a-a0882252e465','Standard consult',15,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(21,1,'5e0a5a38-04bb-46db-8cad-6ff8930ddf45','Telehealth - new patient',40,'#3b82f6',1,NULL,NULL,1,1,'named "telehealth"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(22,1,'486e7d46-9bdd-468f-9848-08abe53b5ad6','Telehealth consult',20,'#3b82f6',1,NULL,NULL,1,1,'named "telehealth"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(23,1,'6636e3cb-13f3-4a07-92d7-48e974d59b26','Telephone: script request',5,'#3b82f6',1,NULL,NULL,1,1,'named "telephone"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(24,1,'abb1f178-3fa1-47b1-a9aa-5fc6c071b46d','Video - long',40,'#3b82f6',1,NULL,NULL,1,1,'named "video"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(25,1,'67c1ac83-4e61-4c93-bd5d-3d572c08cdf2','Video – standard',20,NULL,1,NULL,NULL,1,1,'named "video"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(26,1,'fa10178f-a17e-4e1a-96aa-5a462318d449','Videofluoroscopy (in rooms)',45,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(27,1,'bc085306-6a6f-4dec-8663-eb1ea56d4ce2','Virtual group session',60,'#3b82f6',1,NULL,NULL,1,1,'named "virtual"','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
INSERT INTO "pms_appointment_types" VALUES(28,1,'15517ea3-83f8-479c-ad74-e339ff434aa4','Walk-in',15,'#a9a9a9',1,NULL,NULL,1,0,NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
CREATE TABLE pms_clinician_mappings (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	pms_practitioner_id TEXT NOT NULL, 
	pms_practitioner_name TEXT NOT NULL, 
	active INTEGER NOT NULL, 
	shown_in_appointment_book INTEGER NOT NULL, 
	decision TEXT NOT NULL, 
	clinician_id INTEGER, 
	first_seen_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, 
	decided_by TEXT, 
	decided_at TEXT, 
	CONSTRAINT pk_pms_clinician_mappings PRIMARY KEY (id), 
	CONSTRAINT fk_pms_clinician_mappings_clinician_id FOREIGN KEY(clinician_id) REFERENCES run_sheet_clinicians (id), 
	CONSTRAINT fk_pms_clinician_mappings_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_clinician_mappings_connection_id_pms_practitioner_id UNIQUE (connection_id, pms_practitioner_id)
)
 STRICT

;
INSERT INTO "pms_clinician_mappings" VALUES(1,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,0,'mapped',1,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00','Mel','2026-11-22T22:01:00.000000+00:00');
INSERT INTO "pms_clinician_mappings" VALUES(2,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',1,1,'mapped',2,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00','Mel','2026-11-22T22:01:00.000000+00:00');
INSERT INTO "pms_clinician_mappings" VALUES(3,1,'9a5706f4-094f-4cc5-ab1a-02b7c109c572','Kim Lee',1,1,'ignored',NULL,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00','Mel','2026-11-22T22:01:00.000000+00:00');
INSERT INTO "pms_clinician_mappings" VALUES(4,1,'c1d22676-525b-45d3-8d26-075afd8ea607','Priya Raman',0,0,'undecided',NULL,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL,NULL);
INSERT INTO "pms_clinician_mappings" VALUES(5,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',1,1,'undecided',NULL,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL,NULL);
INSERT INTO "pms_clinician_mappings" VALUES(6,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',1,1,'undecided',NULL,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL,NULL);
INSERT INTO "pms_clinician_mappings" VALUES(7,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',1,1,'undecided',NULL,'2026-11-22T22:01:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL,NULL);
CREATE TABLE pms_connections (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	pms_type TEXT NOT NULL, 
	display_name TEXT NOT NULL, 
	practice_name TEXT, 
	tenant_id TEXT, 
	practice_id TEXT, 
	organization_id TEXT, 
	practice_fingerprint TEXT, 
	time_zone TEXT NOT NULL, 
	time_zone_chosen INTEGER NOT NULL, 
	secret_uid TEXT NOT NULL, 
	credentials_sealed TEXT, 
	token_sealed TEXT, 
	token_expires_at TEXT, 
	token_minted_at TEXT, 
	webhook_secret_sealed TEXT, 
	key_id TEXT, 
	state TEXT NOT NULL, 
	sync_enabled INTEGER NOT NULL, 
	sync_frequency_minutes INTEGER NOT NULL, 
	sync_telehealth_only INTEGER NOT NULL, 
	last_sync_at TEXT, 
	last_sync_status TEXT, 
	last_error_code TEXT, 
	last_error_message TEXT, 
	next_sync_at TEXT, 
	next_sync_reason TEXT, 
	not_before TEXT, 
	failures_in_row INTEGER NOT NULL, 
	paused_until TEXT, 
	paused_by TEXT, 
	paused_reason TEXT, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	reference_read_at TEXT, 
	config_version INTEGER DEFAULT '1' NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL
)
 STRICT

;
INSERT INTO "pms_connections" VALUES(1,'gentu','Banksia Street Training Clinic','Banksia Street Training Clinic','586e3a04-718d-4348-adf7-f11c8c433794','practice-1',NULL,'586e3a04-718d-4348-adf7-f11c8c433794','Australia/Melbourne',0,'f0c488f9b4ba4d23a9cd1755f2735708','v1.875c41f2.LFQUEb2QRL21RVxTHs_fb56q0zsHLBv0R53WPZnDAkweRqdQExzPz1VZokCCGBwaah4JleUH9lFxfU7xemSB5KEtjaJ9l1oQAkyO1hvAM4rJXDfFw3U8m4dxob6z6uXRJmD2Wo_6XnQZnHl5J0mwUH_OWNnYw3iWfPT1E1ICw8G34RAkIX812pxliwDz6FUl_FStE42kzIQq_iKS','v1.875c41f2.TV93P-lc-k5xp1hqtUuhHyaa21eCNsZ5y5BEl9XGcZN9SDF5wJ89f2di9r1rWn6hCgUbN27BA90=','2026-11-22T22:58:59.000000+00:00','2026-11-22T22:00:00.000000+00:00',NULL,'875c41f2','ok',1,15,1,'2026-11-22T22:48:00.000000+00:00','success',NULL,NULL,'2026-11-22T23:00:00.000000+00:00','every 15 minutes in clinic hours',NULL,0,NULL,NULL,NULL,4,'2026-11-22T22:03:00.000000+00:00',3,'2026-11-22T22:00:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
CREATE TABLE pms_former_cards (
	id INTEGER NOT NULL, 
	pms_type TEXT NOT NULL, 
	practice_key TEXT NOT NULL, 
	pms_appointment_id TEXT NOT NULL, 
	pms_patient_id TEXT NOT NULL, 
	pms_practitioner_id TEXT, 
	pms_type_id TEXT, 
	pms_date TEXT, 
	appointment_id INTEGER NOT NULL, 
	kept_values TEXT, 
	left_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_former_cards PRIMARY KEY (id), 
	CONSTRAINT fk_pms_former_cards_appointment_id FOREIGN KEY(appointment_id) REFERENCES run_sheet_appointments (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_former_cards_pms_type_practice_key_pms_appointment_id_pms_patient_id UNIQUE (pms_type, practice_key, pms_appointment_id, pms_patient_id)
)
 STRICT

;
CREATE TABLE pms_freshness (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	date TEXT NOT NULL, 
	pms_practitioner_id TEXT NOT NULL, 
	as_of TEXT NOT NULL, 
	read_state TEXT, 
	fetched INTEGER NOT NULL, 
	not_shown INTEGER NOT NULL, 
	CONSTRAINT pk_pms_freshness PRIMARY KEY (id), 
	CONSTRAINT fk_pms_freshness_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_freshness_connection_id_date_pms_practitioner_id UNIQUE (connection_id, date, pms_practitioner_id)
)
 STRICT

;
INSERT INTO "pms_freshness" VALUES(1,1,'2026-11-23','843cd68b-b7be-497d-9f4f-cf34e0844705','2026-11-22T22:48:00.000000+00:00','{"cards":"1:2:1","differences":{},"pages":["5038b695648c59546500a52f6f0a9e59"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{},"unchanged":1}',1,0);
INSERT INTO "pms_freshness" VALUES(2,1,'2026-11-23','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','2026-11-22T22:48:00.000000+00:00',NULL,16,0);
INSERT INTO "pms_freshness" VALUES(3,1,'2026-11-23','bda15631-73d3-4d6d-b73d-b0a9767b5332','2026-11-22T22:48:00.000000+00:00',NULL,16,0);
INSERT INTO "pms_freshness" VALUES(4,1,'2026-11-23','946578f0-7878-4881-b48a-47d128ee2563','2026-11-22T22:48:00.000000+00:00','{"cards":"0:0:0","differences":{},"pages":["e2603347c1073c97e317bfdc6d5077b5"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{"no_patient":1,"practitioner_undecided":14},"unchanged":0}',15,0);
INSERT INTO "pms_freshness" VALUES(5,1,'2026-11-23','cf997488-704c-4d91-a2c6-38d0102b68bf','2026-11-22T22:48:00.000000+00:00','{"cards":"0:0:0","differences":{},"pages":["4ff2f0b0e004ded1ac4e826b49bf9814"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{"practitioner_undecided":13},"unchanged":0}',13,0);
INSERT INTO "pms_freshness" VALUES(6,1,'2026-11-24','843cd68b-b7be-497d-9f4f-cf34e0844705','2026-11-22T22:48:00.000000+00:00','{"cards":"1:1:18","differences":{},"pages":["a8b27b8c1a633a094b98cf78bf15bb7c"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{},"unchanged":1}',1,0);
INSERT INTO "pms_freshness" VALUES(7,1,'2026-11-24','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','2026-11-22T22:48:00.000000+00:00',NULL,16,0);
INSERT INTO "pms_freshness" VALUES(8,1,'2026-11-24','bda15631-73d3-4d6d-b73d-b0a9767b5332','2026-11-22T22:48:00.000000+00:00',NULL,16,0);
INSERT INTO "pms_freshness" VALUES(9,1,'2026-11-24','946578f0-7878-4881-b48a-47d128ee2563','2026-11-22T22:48:00.000000+00:00','{"cards":"0:0:0","differences":{},"pages":["0f52e681f8d93c3be9e97d389860ddf9"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{"no_patient":1,"practitioner_undecided":14},"unchanged":0}',15,0);
INSERT INTO "pms_freshness" VALUES(10,1,'2026-11-24','cf997488-704c-4d91-a2c6-38d0102b68bf','2026-11-22T22:48:00.000000+00:00','{"cards":"0:0:0","differences":{},"pages":["d8581f811038335a85a33db8e0039bb8"],"rules":"03a2827d9d3ea04db7f1ce94","skipped":{"practitioner_undecided":13},"unchanged":0}',13,0);
CREATE TABLE pms_patient_reads (
	appointment_id INTEGER NOT NULL, 
	read_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_patient_reads PRIMARY KEY (appointment_id), 
	CONSTRAINT fk_pms_patient_reads_appointment_id FOREIGN KEY(appointment_id) REFERENCES run_sheet_appointments (id) ON DELETE CASCADE
)
 STRICT

;
CREATE TABLE pms_quarantine (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	record_key TEXT NOT NULL, 
	pms_appointment_id TEXT, 
	pms_practitioner_id TEXT, 
	date TEXT, 
	reason TEXT NOT NULL, 
	shape TEXT NOT NULL, 
	first_seen_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, 
	run_id INTEGER, 
	resolved_at TEXT, 
	CONSTRAINT pk_pms_quarantine PRIMARY KEY (id), 
	CONSTRAINT fk_pms_quarantine_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT fk_pms_quarantine_run_id FOREIGN KEY(run_id) REFERENCES pms_sync_log (id) ON DELETE SET NULL, 
	CONSTRAINT uq_pms_quarantine_connection_id_record_key UNIQUE (connection_id, record_key)
)
 STRICT

;
CREATE TABLE pms_sync_log (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	connection_id INTEGER NOT NULL, 
	sync_type TEXT NOT NULL, 
	"trigger" TEXT NOT NULL, 
	actor TEXT, 
	dates TEXT NOT NULL, 
	dry_run INTEGER NOT NULL, 
	slot TEXT, 
	status TEXT NOT NULL, 
	requested_at TEXT NOT NULL, 
	not_before TEXT, 
	started_at TEXT, 
	completed_at TEXT, 
	heartbeat_at TEXT, 
	fence INTEGER, 
	cancel_requested_at TEXT, 
	cancel_requested_by TEXT, 
	fetched INTEGER NOT NULL, 
	created INTEGER NOT NULL, 
	updated INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	removed INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	skipped_reasons TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	note TEXT, 
	progress TEXT, 
	preview TEXT, 
	CONSTRAINT fk_pms_sync_log_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "pms_sync_log" VALUES(1,1,'full','setup','Mel','["2026-11-23","2026-11-24"]',0,NULL,'success','2026-11-22T22:03:00.000000+00:00',NULL,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',1,NULL,NULL,122,34,0,0,88,0,0,0,'{"no_patient":4,"practitioner_undecided":84}',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_log" VALUES(2,1,'full','manual','Mel','["2026-11-23","2026-11-24"]',0,NULL,'success','2026-11-22T22:18:00.000000+00:00',NULL,'2026-11-22T22:18:00.000000+00:00','2026-11-22T22:18:00.000000+00:00','2026-11-22T22:18:00.000000+00:00',2,NULL,NULL,122,0,1,33,88,0,0,0,'{"no_patient":4,"practitioner_undecided":84}',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_log" VALUES(3,1,'full','manual','Mel','["2026-11-23","2026-11-24"]',0,NULL,'failed','2026-11-22T22:33:00.000000+00:00',NULL,'2026-11-22T22:33:00.000000+00:00','2026-11-22T22:33:00.000000+00:00','2026-11-22T22:33:00.000000+00:00',3,NULL,NULL,0,0,0,0,0,0,0,0,NULL,'AUTH-SCOPE','The login of Gentu may not read everything it needs',NULL,NULL,NULL);
INSERT INTO "pms_sync_log" VALUES(4,1,'full','manual','Mel','["2026-11-23","2026-11-24"]',0,NULL,'success','2026-11-22T22:48:00.000000+00:00',NULL,'2026-11-22T22:48:00.000000+00:00','2026-11-22T22:48:00.000000+00:00','2026-11-22T22:48:00.000000+00:00',4,NULL,NULL,122,0,3,31,88,0,1,0,'{"no_patient":4,"practitioner_undecided":84}',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_log" VALUES(5,1,'full','manual','Mel','["2026-11-23","2026-11-24"]',1,NULL,'queued','2026-11-22T22:48:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,0,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE pms_sync_scopes (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	pms_practitioner_id TEXT, 
	name TEXT, 
	clinician_id INTEGER, 
	date TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	checked_at TEXT NOT NULL, 
	fetched INTEGER NOT NULL, 
	created INTEGER NOT NULL, 
	updated INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	removed INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	error_code TEXT, 
	expected INTEGER, 
	matched INTEGER, 
	differences TEXT, 
	digest TEXT, 
	CONSTRAINT pk_pms_sync_scopes PRIMARY KEY (id), 
	CONSTRAINT fk_pms_sync_scopes_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT fk_pms_sync_scopes_run_id FOREIGN KEY(run_id) REFERENCES pms_sync_log (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "pms_sync_scopes" VALUES(1,1,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-23','complete','2026-11-22T22:03:00.000000+00:00',1,1,0,0,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(2,1,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-23','complete','2026-11-22T22:03:00.000000+00:00',16,16,0,0,0,0,0,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(3,1,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-23','complete','2026-11-22T22:03:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(4,1,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-23','complete','2026-11-22T22:03:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(5,1,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-23','complete','2026-11-22T22:03:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(6,1,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-24','complete','2026-11-22T22:03:00.000000+00:00',1,1,0,0,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(7,1,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-24','complete','2026-11-22T22:03:00.000000+00:00',16,16,0,0,0,0,0,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(8,1,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-24','complete','2026-11-22T22:03:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(9,1,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-24','complete','2026-11-22T22:03:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(10,1,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-24','complete','2026-11-22T22:03:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(11,2,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-23','complete','2026-11-22T22:18:00.000000+00:00',1,0,0,1,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(12,2,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-23','complete','2026-11-22T22:18:00.000000+00:00',16,0,1,15,0,0,0,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(13,2,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-23','complete','2026-11-22T22:18:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(14,2,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-23','complete','2026-11-22T22:18:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(15,2,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-23','complete','2026-11-22T22:18:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(16,2,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-24','complete','2026-11-22T22:18:00.000000+00:00',1,0,0,1,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(17,2,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-24','complete','2026-11-22T22:18:00.000000+00:00',16,0,0,16,0,0,0,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(18,2,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-24','complete','2026-11-22T22:18:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(19,2,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-24','complete','2026-11-22T22:18:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(20,2,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-24','complete','2026-11-22T22:18:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(21,3,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-23','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(22,3,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-23','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(23,3,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-23','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(24,3,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-23','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(25,3,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-23','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(26,3,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-24','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(27,3,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-24','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(28,3,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-24','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(29,3,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-24','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(30,3,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-24','failed','2026-11-22T22:33:00.000000+00:00',0,0,0,0,0,0,0,0,'AUTH-SCOPE',NULL,NULL,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(31,4,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-23','complete','2026-11-22T22:48:00.000000+00:00',1,0,0,1,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(32,4,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-23','complete','2026-11-22T22:48:00.000000+00:00',16,0,3,13,0,0,1,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(33,4,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-23','complete','2026-11-22T22:48:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(34,4,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-23','complete','2026-11-22T22:48:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(35,4,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-23','complete','2026-11-22T22:48:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(36,4,1,'843cd68b-b7be-497d-9f4f-cf34e0844705','Edmund Fitzgerald-Quick',1,'2026-11-24','complete','2026-11-22T22:48:00.000000+00:00',1,0,0,1,0,0,0,0,NULL,1,1,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(37,4,1,'3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','Hana Lee',2,'2026-11-24','complete','2026-11-22T22:48:00.000000+00:00',16,0,0,16,0,0,0,0,NULL,16,16,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(38,4,1,'bda15631-73d3-4d6d-b73d-b0a9767b5332','Saoirse O''Dwyer-Banks',NULL,'2026-11-24','complete','2026-11-22T22:48:00.000000+00:00',16,0,0,0,16,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(39,4,1,'946578f0-7878-4881-b48a-47d128ee2563','Tomasz Wójcik',NULL,'2026-11-24','complete','2026-11-22T22:48:00.000000+00:00',15,0,0,0,15,0,0,0,NULL,0,0,NULL,NULL);
INSERT INTO "pms_sync_scopes" VALUES(40,4,1,'cf997488-704c-4d91-a2c6-38d0102b68bf','Wulandari',NULL,'2026-11-24','complete','2026-11-22T22:48:00.000000+00:00',13,0,0,0,13,0,0,0,NULL,0,0,NULL,NULL);
CREATE TABLE pms_token_leases (
	connection_id INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	expires_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_token_leases PRIMARY KEY (connection_id), 
	CONSTRAINT fk_pms_token_leases_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE
)
 STRICT

;
CREATE TABLE pms_vendor_memory (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	made_for TEXT NOT NULL, 
	value TEXT NOT NULL, 
	read_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_vendor_memory PRIMARY KEY (id), 
	CONSTRAINT fk_pms_vendor_memory_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_vendor_memory_connection_id_name UNIQUE (connection_id, name)
)
 STRICT

;
INSERT INTO "pms_vendor_memory" VALUES(1,1,'durations','b9b673f07778fe6286a27d94','{"108a124d-c9c6-48eb-a464-37c6a8c3e88d":30,"15517ea3-83f8-479c-ad74-e339ff434aa4":15,"1e88ce33-f36d-4036-b86a-46692a7b5a5b":60,"2e0df19c-587f-4593-9c5e-15b2426f4085":10,"32ad0590-8477-4401-8b35-a2d05c073867":15,"33efcfc2-338c-4b64-bea0-990a94351161":10,"3fb1ce84-41fc-484d-a8dc-83bd3918780d":60,"486e7d46-9bdd-468f-9848-08abe53b5ad6":20,"5e0a5a38-04bb-46db-8cad-6ff8930ddf45":40,"6636e3cb-13f3-4a07-92d7-48e974d59b26":5,"67c1ac83-4e61-4c93-bd5d-3d572c08cdf2":20,"79075a11-3eab-4ace-9181-ec1573e161cc":40,"7fb58675-27ab-42be-974e-9400deada3f3":null,"837eb293-25d4-458f-bfd2-9596c6d84cdd":240,"9d0c715b-ab07-4989-a499-26a6a2663e20":30,"a0a13afb-194a-45fe-9a2c-cb00a3aea904":15,"aa6734bb-30c9-4af8-9bb5-dc4b35befe79":60,"abb1f178-3fa1-47b1-a9aa-5fc6c071b46d":40,"abe76c2a-43e5-4415-875a-a0882252e465":15,"b549a89b-84b9-45c4-b334-6a5d7e1637e9":15,"bc085306-6a6f-4dec-8663-eb1ea56d4ce2":60,"bef9d882-c75e-4194-9141-40a1b9d6da1e":45,"d0904b51-f828-4de1-bad5-6098ed255a93":40,"da60aa0f-666e-4a73-b2ec-e674d2c8ea5d":90,"df763406-d3e2-43dd-af12-047e4a1a3655":10,"e1c1936b-b1dd-4d47-8635-d40527b72d96":30,"e398b681-95a4-4c78-b4fb-909961c0c7a6":60,"fa10178f-a17e-4e1a-96aa-5a462318d449":45}','2026-11-22T22:03:00.000000+00:00');
CREATE TABLE pms_webhook_events (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	event_id TEXT NOT NULL, 
	event TEXT NOT NULL, 
	received_at TEXT NOT NULL, 
	CONSTRAINT pk_pms_webhook_events PRIMARY KEY (id), 
	CONSTRAINT fk_pms_webhook_events_connection_id FOREIGN KEY(connection_id) REFERENCES pms_connections (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pms_webhook_events_connection_id_event_id UNIQUE (connection_id, event_id)
)
 STRICT

;
CREATE TABLE process_beats (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	CONSTRAINT pk_process_beats PRIMARY KEY (id), 
	CONSTRAINT uq_process_beats_name UNIQUE (name)
)
 STRICT

;
CREATE TABLE run_sheet_appointments (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_sheet_id INTEGER NOT NULL, 
	clinician_id INTEGER, 
	start_at TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	appointment_duration_minutes INTEGER, 
	duration_estimated INTEGER NOT NULL, 
	patient_name TEXT, 
	patient_dob TEXT, 
	patient_phone TEXT, 
	patient_email TEXT, 
	appointment_type_name TEXT, 
	appointment_status TEXT NOT NULL, 
	is_telehealth INTEGER, 
	host_link_sealed TEXT, 
	patient_link_sealed TEXT, 
	pms_notes TEXT, 
	time_odd INTEGER NOT NULL, 
	pms_connection_id INTEGER, 
	pms_appointment_id TEXT, 
	pms_patient_id TEXT DEFAULT '' NOT NULL, 
	pms_practitioner_id TEXT, 
	pms_type_id TEXT, 
	pms_status_raw TEXT, 
	pms_date TEXT, 
	pms_digest TEXT, 
	pms_last_synced_at TEXT, 
	presence TEXT NOT NULL, 
	presence_reason TEXT, 
	presence_at TEXT, 
	acknowledged_at TEXT, 
	acknowledged_by TEXT, 
	moved_from_at TEXT, 
	moved_from_date TEXT, 
	moved_at TEXT, 
	returned_at TEXT, 
	removed_at TEXT, 
	removed_by TEXT, 
	removed_reason TEXT, 
	tombstone_start_at TEXT, 
	kept_digest TEXT, 
	notes TEXT, 
	state TEXT DEFAULT 'booked' NOT NULL, 
	row_version INTEGER DEFAULT '1' NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, patient_has_died INTEGER, 
	CONSTRAINT fk_run_sheet_appointments_clinician_id FOREIGN KEY(clinician_id) REFERENCES run_sheet_clinicians (id), 
	CONSTRAINT fk_run_sheet_appointments_pms_connection_id FOREIGN KEY(pms_connection_id) REFERENCES pms_connections (id) ON DELETE SET NULL, 
	CONSTRAINT fk_run_sheet_appointments_run_sheet_id FOREIGN KEY(run_sheet_id) REFERENCES run_sheets (id), 
	CONSTRAINT uq_run_sheet_appointments_pms_connection_id_pms_appointment_id_pms_patient_id UNIQUE (pms_connection_id, pms_appointment_id, pms_patient_id)
)
 STRICT

;
INSERT INTO "run_sheet_appointments" VALUES(1,1,1,'2026-11-23T03:00:00.000000+00:00','Australia/Melbourne',20,0,'Ezra Wattle','1993-05-29','+61491572665',NULL,'Telehealth consult','confirmed',NULL,NULL,NULL,NULL,0,1,'09382d69-8cf1-4cd9-b84e-d3bd6d19eedd','b8441a5f-232f-4541-b5de-e87f7d547636','843cd68b-b7be-497d-9f4f-cf34e0844705','486e7d46-9bdd-468f-9848-08abe53b5ad6',NULL,'2026-11-23','b8f46cbe9a7120c85e9e90b97e2e3544','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Rang; call back','booked',2,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:18:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(2,1,2,'2026-11-22T21:05:00.000000+00:00','Australia/Melbourne',60,0,'Ezra Boronia','2023-10-20','+61355500362',NULL,'New patient','completed',NULL,NULL,NULL,NULL,0,1,'d3831713-ba93-4d36-82db-c96d76957997','a0887a16-a08d-4ea3-a02c-f0a4d93df13a','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bef9d882-c75e-4194-9141-40a1b9d6da1e',NULL,'2026-11-23','29e28d67f9e1b8df28fd530af4c8550b','2026-11-22T22:18:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',3,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:18:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(3,1,2,'2026-11-22T21:50:00.000000+00:00','Australia/Melbourne',40,0,'Fern Hakea','1979-09-19','+61491574118',NULL,'Video - long','completed',NULL,NULL,NULL,'Prefers the video link by text message
Results',0,1,'ba71bad8-45b2-4316-9edc-8b101944d77b','40d4736f-4450-42f7-b412-69f427eff1b2','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-23','b442a49e17cf52527c4d0e29820d2466','2026-11-22T22:48:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',2,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:48:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(4,1,2,'2026-11-22T22:40:00.000000+00:00','Australia/Melbourne',40,0,'Nell Lillypilly','1946-12-12','+61491572983',NULL,'Video - long','in_progress',NULL,NULL,NULL,'New concern',0,1,'1cb320ef-ba7b-4f95-9077-22e53e20bfba','c2432c9a-494b-49da-88dd-45cc7b76080a','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-23','d4be5609fa4f9fa4057bb5e21d75d4d9','2026-11-22T22:48:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',2,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:48:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(5,1,2,'2026-11-22T23:30:00.000000+00:00','Australia/Melbourne',40,0,'Cyril Echidna','1936-05-14','ask daughter',NULL,'Telehealth - new patient','booked',NULL,NULL,NULL,'Interpreter needed (Vietnamese)',0,1,'75d637e2-261d-4579-8dae-d245c44cbdef','f262d242-e76e-40e1-bc84-44021fb610d9','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','5e0a5a38-04bb-46db-8cad-6ff8930ddf45',NULL,'2026-11-23','34a5a879070b80c6b534b92c8575544f','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(6,1,2,'2026-11-23T00:20:00.000000+00:00','Australia/Melbourne',40,0,'Nullarbor','1949-09-09','+61870100144',NULL,'Mental health plan (online)','cancelled',NULL,NULL,NULL,NULL,0,1,'1ae91a80-c0a0-442c-b790-5527e1adbe88','068a2d5e-1edb-45e8-b827-9b1c84ac636d','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-23','68176b62563e4c6b5e2217f9c0aa3f34','2026-11-22T22:48:00.000000+00:00','cancelled','cancelled in the practice software','2026-11-22T22:20:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',2,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:48:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(7,1,2,'2026-11-23T01:15:00.000000+00:00','Australia/Melbourne',40,0,'Cyril Bilby','1933-03-10','+61491579760','cyril.bilby184@example.com','Video - long','confirmed',NULL,NULL,NULL,'Prefers the video link by text message',0,1,'fcd2aa72-1141-4134-9fe8-52685a59de2e','cc3ec5ae-5cf2-4d4e-a319-d3b271a52933','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-23','3b030f35a92eb41923da2f73098176ea','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(8,1,2,'2026-11-23T02:00:00.000000+00:00','Australia/Melbourne',30,0,'Hugo Wobbegong','1993-03-03','+61491572665',NULL,'Long consult','booked',NULL,NULL,NULL,'Warfarin: INR 4.1, hold the dose',0,1,'9fc79600-317b-479a-9450-601496d12226','68b48a4d-52c5-434f-93ee-812f0b8365df','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','108a124d-c9c6-48eb-a464-37c6a8c3e88d',NULL,'2026-11-23','5802349891f9abdb3ac35d39d20d03c3','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(9,1,2,'2026-11-23T02:50:00.000000+00:00','Australia/Melbourne',40,0,'Ezra Waratah','1988-04-26','+61491572549',NULL,'Video - long','confirmed',NULL,NULL,NULL,'CANARY-DESCRIPTION: anxiety',0,1,'6a8ad7c5-5144-400e-877d-8ec806c9bcb0','b9bd9728-1918-4306-aa54-dce0e69d9ca4','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-23','8713b2d046bbe9d99b229c2f77d0e264','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(10,1,2,'2026-11-23T03:40:00.000000+00:00','Australia/Melbourne',40,1,'Robbie <b>Tables</b>','2003-03-13','+61491574632',NULL,'Mental health plan (online)','booked',NULL,NULL,NULL,'Chest pain on exertion? Ring back if no answer
Results',0,1,'bab4ae48-93ff-4fd8-9bd2-04be68865349','0266922b-bd20-49ab-85f3-877cfe1bec81','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-23','e69c5d6bf33fea42e5f1061d9a0fcc12','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(11,1,2,'2026-11-23T04:35:00.000000+00:00','Australia/Melbourne',40,0,'Ezra Currawong','1955-07-31','+61491571804','ezra.currawong222@example.com','Telehealth - new patient','booked',NULL,NULL,NULL,'Script',0,1,'08970055-7d5e-4c81-b38c-338d401fc71b','33aa6664-bc0d-4d8e-b3c0-ccac6961728e','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','5e0a5a38-04bb-46db-8cad-6ff8930ddf45',NULL,'2026-11-23','7e1fa63b6a466a04cf658f13d2d5fff7','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(12,1,2,'2026-11-23T05:20:00.000000+00:00','Australia/Melbourne',40,0,'Clementine Karri','1995-01-15','+61491570110','clementine.karri31@example.com','Mental health plan (online)','booked',NULL,NULL,NULL,'Interpreter needed (Vietnamese)',0,1,'99ee5c5c-3022-4d10-a57f-164d48e89f48','d6df9271-6b6c-4d41-86ae-c436a377d851','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-23','aa5da8edeb09774d6801999ccc7171c5','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(13,1,2,'2026-11-23T06:15:00.000000+00:00','Australia/Melbourne',20,0,'Daphne Mulga','1942-04-21','+61491574118','daphne.mulga193@example.com','Video – standard','booked',NULL,NULL,NULL,'CANARY-COMMENT: low mood, PHQ-9 score 17, safety plan reviewed
Follow-up',0,1,'2da77a1a-82bd-4568-85b8-828cb5463988','eedbd69b-350b-4a30-a689-363fb53f9a6c','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','67c1ac83-4e61-4c93-bd5d-3d572c08cdf2',NULL,'2026-11-23','d3024dcfcf6081ddbac79a262625a39b','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(14,1,2,'2026-11-23T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Ned Kurrajong','1937-10-10','+61491570737','ned.kurrajong142@example.com','Virtual group session','booked',NULL,NULL,NULL,'Results',0,1,'d4bf078c-5735-400e-ab1b-f21f9797a86d','6dea199b-aa9c-4fd1-a868-fd0a38f5b2fb','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-23','31d05af8c4c2c2dcebe9e3d9dcea0eb3','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(15,1,2,'2026-11-23T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Percy Kookaburra','1930-02-14','+61491572983','percy.kookaburra171@example.com','Virtual group session','booked',NULL,NULL,NULL,'Results',0,1,'d4bf078c-5735-400e-ab1b-f21f9797a86d','b428791a-2b99-416b-960c-b9080168169c','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-23','b23f1baf8ac31c657739a42a83fb0ff7','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(16,1,2,'2026-11-23T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Basil Currawong','1939-08-16','+61255500365','basil.currawong228@example.com','Virtual group session','booked',NULL,NULL,NULL,'Results',0,1,'d4bf078c-5735-400e-ab1b-f21f9797a86d','e5d851d3-4713-4ba8-94f1-7c0902b68098','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-23','2fadc7ff073b535bbe66187ab0755192','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(17,1,2,'2026-11-23T09:15:00.000000+00:00','Australia/Melbourne',15,0,'Basil Lorikeet','1964-12-27','+61491578957',NULL,'AFTER HOURS PHONE','confirmed',1,NULL,NULL,NULL,0,1,'504007fa-057c-4ede-af1f-697912b075a1','800295d0-766e-47cd-bcdc-aca9918d7e5f','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','32ad0590-8477-4401-8b35-a2d05c073867',NULL,'2026-11-23','3d45ac3ff6f59a869cf1ce2ee7c7a1dd','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(18,2,1,'2026-11-24T03:00:00.000000+00:00','Australia/Melbourne',20,0,'Daphne Wallaroo','1967-11-29','+61491571266','daphne.wallaroo56@example.com','Telehealth consult','confirmed',NULL,NULL,NULL,'Follow-up',0,1,'95df2e5c-1461-4726-a23b-9f1786e8e5e4','8734a65a-29f0-469f-a8cd-e13fab2b3a21','843cd68b-b7be-497d-9f4f-cf34e0844705','486e7d46-9bdd-468f-9848-08abe53b5ad6',NULL,'2026-11-24','03b8b7a36a9a8dc7817a8935fecd6135','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(19,2,2,'2026-11-23T21:00:00.000000+00:00','Australia/Melbourne',30,0,'Rufus Wattle','1991-01-28','+61491570158',NULL,'Long consult','booked',NULL,NULL,NULL,'Warfarin: INR 4.1, hold the dose',0,1,'e26165af-9bbd-4fd4-a359-9c6fbafe0bf5','ede2d228-326f-4e9a-9f71-316b44f27846','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','108a124d-c9c6-48eb-a464-37c6a8c3e88d',NULL,'2026-11-24','0049c23fcd142efd20d9661deeece15d','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(20,2,2,'2026-11-23T21:50:00.000000+00:00','Australia/Melbourne',40,0,'Cyril Potoroo','1954-07-01','+61491577426','cyril.potoroo144@example.com','Telehealth - new patient','booked',NULL,NULL,NULL,NULL,0,1,'09b1d795-2a44-4956-9698-74a2187b2774','35caa5c5-ea75-490a-be57-b003a2958b62','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','5e0a5a38-04bb-46db-8cad-6ff8930ddf45',NULL,'2026-11-24','10d03ff09e1431d3f9479dc32e83698c','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(21,2,2,'2026-11-23T22:40:00.000000+00:00','Australia/Melbourne',40,0,'Clementine Wattle','2017-02-11','+61491570737',NULL,'Mental health plan (online)','booked',NULL,NULL,NULL,'New concern',0,1,'c37be375-ab08-447f-9238-6a55163f8736','1ae42481-a9ea-4bb3-9bb5-8daa1042f1ff','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-24','04b1af2c577307dcb8b650ad63b8c2c4','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(22,2,2,'2026-11-23T23:30:00.000000+00:00','Australia/Melbourne',40,0,'Fern Lillypilly','1957-01-21','+61491570158','fern.lillypilly136@example.com','Telehealth - new patient','confirmed',NULL,NULL,NULL,'Review',0,1,'fd7eae91-c0e8-4cb7-8036-98d10ba54f65','99f0b433-c878-450d-b853-27c394e9bcbb','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','5e0a5a38-04bb-46db-8cad-6ff8930ddf45',NULL,'2026-11-24','8ad3f31e8a4541d48352de30dc67c6dd','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(23,2,2,'2026-11-24T00:20:00.000000+00:00','Australia/Melbourne',40,0,'Saltbush',NULL,NULL,NULL,'Video - long','booked',NULL,NULL,NULL,NULL,0,1,'2122a3b0-1048-4e95-9de6-c4015bec4aab','5164bcd0-2318-42b8-90a6-5a4fc19d27c4','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-24','7eb982c093039b61527ef3249347a5c0','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(24,2,2,'2026-11-24T01:10:00.000000+00:00','Australia/Melbourne',40,0,'Rufus Lillypilly','2016-12-08','+61491570158','rufus.lillypilly192@example.com','Mental health plan (online)','confirmed',NULL,NULL,NULL,'Prefers the video link by text message',0,1,'62d90019-9c39-4711-b93a-88a48333826c','21de4829-7c70-4f93-9b6d-607d5f65ee3e','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-24','a202753b1a8dff937e367b97f76a9eb7','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(25,2,2,'2026-11-24T02:00:00.000000+00:00','Australia/Melbourne',45,0,'Stan Mulga','2002-01-29','+61491570157','stan.mulga220@example.com','New patient','confirmed',NULL,NULL,NULL,NULL,0,1,'75998bc7-2690-4835-8a65-d5413d190cba','8286f25e-9e7f-4cb6-9ca5-a15a8573d6fc','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bef9d882-c75e-4194-9141-40a1b9d6da1e',NULL,'2026-11-24','b3ffb4e07cad179bd9678f539702a2c4','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(26,2,2,'2026-11-24T02:50:00.000000+00:00','Australia/Melbourne',40,0,'יעל שחף','1982-10-10','+61491570737',NULL,'Video - long','confirmed',NULL,NULL,NULL,'Prefers the video link by text message
Review',0,1,'750f7a49-ee21-4b80-90d7-1023671a1f3d','0dfd9316-c216-4ee7-acd5-d24662bda923','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-24','ba3ae5df28f50d3a68b2fbe846005950','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(27,2,2,'2026-11-24T03:45:00.000000+00:00','Australia/Melbourne',40,1,'Clive Mulga',NULL,'+61491572549','clive+clinic@example.com','Video - long','confirmed',NULL,NULL,NULL,'Warfarin: INR 4.1, hold the dose',0,1,'b0878638-fbb2-4de7-afd7-0d61112d4b2a','8faeb9dd-87a0-48f8-8d8a-474439fa43de','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','abb1f178-3fa1-47b1-a9aa-5fc6c071b46d',NULL,'2026-11-24','d7dcc86de499902fcde3b2d2bf362793','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(28,2,2,'2026-11-24T04:30:00.000000+00:00','Australia/Melbourne',40,0,'Wren Wobbegong','2020-12-04','+61491574118','wren.wobbegong151@example.com','Mental health plan (online)','booked',NULL,NULL,NULL,NULL,0,1,'9a6f5dcb-2fe0-4cd8-8805-d2b6b25b42dc','0507c396-fe71-460b-b9e4-b56e92745a7c','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-24','6c3b0c42330738db8f039bf481ce5716','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(29,2,2,'2026-11-24T05:20:00.000000+00:00','Australia/Melbourne',40,0,'Stan Yabby','1975-05-01','+61491570159','stan.yabby186@example.com','Mental health plan (online)','booked',NULL,NULL,NULL,'Script',0,1,'59f894f8-b751-463a-9eb5-6750ab3eef2e','64a3b144-61e0-4807-9453-d925df04d75d','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','79075a11-3eab-4ace-9181-ec1573e161cc',NULL,'2026-11-24','f098718214931055fd3080b5eb961420','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(30,2,2,'2026-11-24T06:10:00.000000+00:00','Australia/Melbourne',20,0,'ned van der kurrajong','1984-12-24','+61491575789',NULL,'Video – standard','booked',NULL,NULL,NULL,'CANARY-DESCRIPTION: anxiety',0,1,'22fd77f9-8c6e-4fbb-9d37-022011f340e6','1528a115-778f-4967-b369-9daf2bd388a2','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','67c1ac83-4e61-4c93-bd5d-3d572c08cdf2',NULL,'2026-11-24','6bf4c3fa11cda99193738872ad6fb585','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(31,2,2,'2026-11-24T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Marigold Saltbush','1974-03-28','+61491573770','marigold.saltbush179@example.com','Virtual group session','confirmed',NULL,NULL,NULL,'Chest pain on exertion? Ring back if no answer',0,1,'9836a9e2-477a-4ae1-acb9-f3bc6e6c1859','62fc1b41-b6c5-4642-b5dd-80e1d885a9b2','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-24','e16e63668de8289be6d73e9599c51918','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(32,2,2,'2026-11-24T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Juno Karri','2000-03-12','+61491574632','juno.karri231@example.com','Virtual group session','confirmed',NULL,NULL,NULL,'Chest pain on exertion? Ring back if no answer',0,1,'9836a9e2-477a-4ae1-acb9-f3bc6e6c1859','f2f58879-b1fe-4eb2-bc82-b194714aead6','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-24','591c90d154e1e1b14eff8d3362dfba82','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(33,2,2,'2026-11-24T07:00:00.000000+00:00','Australia/Melbourne',60,0,'Walt Dunnart','1972-02-26','+61491577644','walt.dunnart207@example.com','Virtual group session','confirmed',NULL,NULL,NULL,'Chest pain on exertion? Ring back if no answer',0,1,'9836a9e2-477a-4ae1-acb9-f3bc6e6c1859','82f45acc-953a-47b6-8c8b-201f8615025f','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','bc085306-6a6f-4dec-8663-eb1ea56d4ce2',NULL,'2026-11-24','e9a8458682d8bd7dde3c9f03cda47242','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(34,2,2,'2026-11-24T09:15:00.000000+00:00','Australia/Melbourne',15,0,'Marigold Mulga','1999-01-09','+61255500769','marigold.mulga152@example.com','AFTER HOURS PHONE','confirmed',1,NULL,NULL,NULL,0,1,'5ba495c9-8ce6-4062-8305-c9f1155b5cb9','77356ecc-f07b-48ad-9316-f031efc992cb','3004a053-0b5f-49ab-8bc1-cc4eeb0352ad','32ad0590-8477-4401-8b35-a2d05c073867',NULL,'2026-11-24','2db6acfa63c92d7a9469fa648a2edd06','2026-11-22T22:03:00.000000+00:00','on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00',NULL);
INSERT INTO "run_sheet_appointments" VALUES(35,1,1,'2026-11-23T01:18:00.000000+00:00','Australia/Melbourne',NULL,0,'Ada Alder',NULL,NULL,NULL,NULL,'booked',1,NULL,NULL,NULL,0,NULL,NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'on_sheet',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'booked',1,'2026-11-22T22:18:00.000000+00:00','2026-11-22T22:18:00.000000+00:00',NULL);
CREATE TABLE run_sheet_clinicians (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	sort_order INTEGER NOT NULL, 
	active INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_run_sheet_clinicians PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "run_sheet_clinicians" VALUES(1,'Edmund Fitzgerald-Quick',1,1,'2026-11-22T22:00:00.000000+00:00');
INSERT INTO "run_sheet_clinicians" VALUES(2,'Hana Lee',2,1,'2026-11-22T22:01:00.000000+00:00');
CREATE TABLE run_sheet_events (
	id INTEGER NOT NULL, 
	appointment_id INTEGER NOT NULL, 
	run_id INTEGER, 
	at TEXT NOT NULL, 
	source TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT, 
	data TEXT, 
	CONSTRAINT pk_run_sheet_events PRIMARY KEY (id), 
	CONSTRAINT fk_run_sheet_events_appointment_id FOREIGN KEY(appointment_id) REFERENCES run_sheet_appointments (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_sheet_events_run_id FOREIGN KEY(run_id) REFERENCES pms_sync_log (id) ON DELETE SET NULL
)
 STRICT

;
INSERT INTO "run_sheet_events" VALUES(1,1,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(2,11,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(3,6,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(4,4,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(5,13,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(6,17,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(7,9,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(8,5,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(9,12,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(10,8,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(11,3,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(12,10,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(13,2,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(14,14,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(15,15,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(16,16,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(17,7,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(18,18,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(19,20,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(20,23,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(21,30,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(22,29,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(23,34,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(24,24,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(25,26,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(26,25,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(27,31,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(28,33,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(29,32,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(30,28,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(31,27,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(32,21,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(33,19,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(34,22,1,'2026-11-22T22:03:00.000000+00:00','pms','created',NULL,NULL);
INSERT INTO "run_sheet_events" VALUES(35,1,NULL,'2026-11-22T22:18:00.000000+00:00','staff','edited','Mel','{"fields":["notes","patient_phone"]}');
INSERT INTO "run_sheet_events" VALUES(36,2,NULL,'2026-11-22T22:18:00.000000+00:00','staff','edited','Mel','{"fields":["duration_minutes"]}');
INSERT INTO "run_sheet_events" VALUES(37,35,NULL,'2026-11-22T22:18:00.000000+00:00','staff','added','Mel',NULL);
INSERT INTO "run_sheet_events" VALUES(38,2,2,'2026-11-22T22:18:00.000000+00:00','pms','changed',NULL,'{"fields":["appointment_duration_minutes"],"was":{"appointment_duration_minutes":45}}');
INSERT INTO "run_sheet_events" VALUES(39,3,4,'2026-11-22T22:48:00.000000+00:00','pms','changed',NULL,'{"fields":["appointment_status"],"was":{"appointment_status":"in_progress"}}');
INSERT INTO "run_sheet_events" VALUES(40,4,4,'2026-11-22T22:48:00.000000+00:00','pms','changed',NULL,'{"fields":["appointment_status"],"was":{"appointment_status":"confirmed"}}');
INSERT INTO "run_sheet_events" VALUES(41,6,4,'2026-11-22T22:48:00.000000+00:00','pms','cancelled',NULL,'{"fields":["appointment_status"],"was":{"appointment_status":"confirmed"}}');
CREATE TABLE run_sheet_overrides (
	id INTEGER NOT NULL, 
	appointment_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	value TEXT, 
	base_value TEXT, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	state TEXT NOT NULL, 
	decided_by TEXT, 
	decided_at TEXT, 
	CONSTRAINT pk_run_sheet_overrides PRIMARY KEY (id), 
	CONSTRAINT fk_run_sheet_overrides_appointment_id FOREIGN KEY(appointment_id) REFERENCES run_sheet_appointments (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "run_sheet_overrides" VALUES(1,1,'patient_phone','"+61491570110"','"+61491572665"','Mel','2026-11-22T22:18:00.000000+00:00','active',NULL,NULL);
INSERT INTO "run_sheet_overrides" VALUES(2,2,'duration_minutes','35','45','Mel','2026-11-22T22:18:00.000000+00:00','conflict',NULL,NULL);
CREATE TABLE run_sheets (
	id INTEGER NOT NULL, 
	date TEXT NOT NULL, 
	status TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_run_sheets PRIMARY KEY (id), 
	CONSTRAINT uq_run_sheets_date UNIQUE (date)
)
 STRICT

;
INSERT INTO "run_sheets" VALUES(1,'2026-11-23','open',8,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:48:00.000000+00:00');
INSERT INTO "run_sheets" VALUES(2,'2026-11-24','open',3,'2026-11-22T22:03:00.000000+00:00','2026-11-22T22:03:00.000000+00:00');
CREATE TABLE scheduled_tasks (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	due_at TEXT NOT NULL, 
	last_started_at TEXT, 
	last_ended_at TEXT, 
	last_result TEXT, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	data TEXT, 
	CONSTRAINT pk_scheduled_tasks PRIMARY KEY (id), 
	CONSTRAINT uq_scheduled_tasks_name UNIQUE (name)
)
 STRICT

;
CREATE TABLE user_sessions (
	id INTEGER NOT NULL, 
	token_hash TEXT NOT NULL, 
	user_id INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, 
	ended_at TEXT, 
	ended_reason TEXT, 
	CONSTRAINT pk_user_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_user_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT uq_user_sessions_token_hash UNIQUE (token_hash)
)
 STRICT

;
INSERT INTO "user_sessions" VALUES(1,'7b343e0a00a506e899bc8963cf08feb97ab1a2b4f0013f762b4c8d95b80e0aca',1,'2026-11-22T22:48:00.000000+00:00','2026-11-22T22:48:00.000000+00:00',NULL,NULL);
CREATE TABLE users (
	id INTEGER NOT NULL, 
	email TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	clinician_id INTEGER, 
	disabled_at TEXT, 
	created_at TEXT NOT NULL, 
	last_login_at TEXT, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT fk_users_clinician_id FOREIGN KEY(clinician_id) REFERENCES run_sheet_clinicians (id), 
	CONSTRAINT uq_users_email UNIQUE (email)
)
 STRICT

;
INSERT INTO "users" VALUES(1,'mel@clinic.example','Mel','admin','$argon2id$v=19$m=19456,t=2,p=1$TJRACLssG+b3thYYN6okdg$Ct0RmIZfiioU0LDnYiIZTatHp6b3QpWFacICWIaQGH0',NULL,NULL,'2026-11-22T22:00:00.000000+00:00',NULL);
INSERT INTO "users" VALUES(2,'rae@clinic.example','Rae','reception','$argon2id$v=19$m=19456,t=2,p=1$5i9IteYWZwQz2RSaAIUgsg$FbkQrPH0wlbaDPoyaN1FZEwWh2NzTDMyGBHzPF4+Yo0',NULL,NULL,'2026-11-22T22:00:00.000000+00:00',NULL);
CREATE TABLE vendor_blocks (
	host TEXT NOT NULL, 
	until TEXT NOT NULL, 
	CONSTRAINT pk_vendor_blocks PRIMARY KEY (host)
)
 STRICT

;
CREATE INDEX ix_audit_at ON audit_events (at);
CREATE UNIQUE INDEX uq_incidents_open ON incidents (subject) WHERE ended_at is null;
CREATE INDEX ix_runs_connection ON pms_sync_log (connection_id, id);
CREATE UNIQUE INDEX uq_runs_one_running ON pms_sync_log (connection_id) WHERE status = 'running';
CREATE INDEX ix_cards_scope ON run_sheet_appointments (pms_connection_id, pms_date, pms_practitioner_id);
CREATE INDEX ix_cards_sheet ON run_sheet_appointments (run_sheet_id);
CREATE INDEX ix_run_sheet_appointments_clinician_id ON run_sheet_appointments (clinician_id);
CREATE INDEX ix_run_sheet_appointments_moved_from_date ON run_sheet_appointments (moved_from_date);
CREATE INDEX ix_alert_deliveries_incident_id ON alert_deliveries (incident_id);
CREATE INDEX ix_decisions_state_date ON decisions (state, date);
CREATE UNIQUE INDEX uq_decisions_open ON decisions (subject) WHERE state = 'open';
CREATE INDEX ix_former_cards_card ON pms_former_cards (appointment_id);
CREATE INDEX ix_scopes_fresh ON pms_sync_scopes (connection_id, date, pms_practitioner_id, checked_at);
CREATE INDEX ix_scopes_run ON pms_sync_scopes (run_id);
CREATE INDEX ix_events_card ON run_sheet_events (appointment_id, id);
CREATE INDEX ix_events_run ON run_sheet_events (run_id);
CREATE INDEX ix_run_sheet_overrides_appointment_id ON run_sheet_overrides (appointment_id);
CREATE UNIQUE INDEX uq_overrides_in_force ON run_sheet_overrides (appointment_id, field) WHERE state in ('active', 'conflict');
CREATE INDEX ix_user_sessions_user_id ON user_sessions (user_id);
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
    WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pms_connections',1);
INSERT INTO "sqlite_sequence" VALUES('pms_sync_log',44);
INSERT INTO "sqlite_sequence" VALUES('run_sheet_appointments',35);
COMMIT;
