#define rand	pan_rand
#define pthread_equal(a,b)	((a)==(b))
#if defined(HAS_CODE) && defined(VERBOSE)
	#ifdef BFS_PAR
		bfs_printf("Pr: %d Tr: %d\n", II, t->forw);
	#else
		cpu_printf("Pr: %d Tr: %d\n", II, t->forw);
	#endif
#endif
	switch (t->forw) {
	default: Uerror("bad forward move");
	case 0:	/* if without executable clauses */
		continue;
	case 1: /* generic 'goto' or 'skip' */
		IfNotBlocked
		_m = 3; goto P999;
	case 2: /* generic 'else' */
		IfNotBlocked
		if (trpt->o_pm&1) continue;
		_m = 3; goto P999;

		 /* PROC :init: */
	case 3: // STATE 1 - commit.pml:476 - [batch[1] = 1] (0:9:2 - 1)
		IfNotBlocked
		reached[3][1] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.batch[1]);
		now.batch[1] = 1;
#ifdef VAR_RANGES
		logval("batch[1]", ((int)now.batch[1]));
#endif
		;
		/* merge: each = 0(9, 2, 9) */
		reached[3][2] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P3 *)_this)->_5_13_each);
		((P3 *)_this)->_5_13_each = 0;
#ifdef VAR_RANGES
		logval(":init::each", ((int)((P3 *)_this)->_5_13_each));
#endif
		;
		/* merge: .(goto)(0, 10, 9) */
		reached[3][10] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 4: // STATE 3 - commit.pml:479 - [((each<3))] (5:0:1 - 1)
		IfNotBlocked
		reached[3][3] = 1;
		if (!((((int)((P3 *)_this)->_5_13_each)<3)))
			continue;
		/* merge: state[each] = refused(0, 4, 5) */
		reached[3][4] = 1;
		(trpt+1)->bup.oval = now.state[ Index(((int)((P3 *)_this)->_5_13_each), 3) ];
		now.state[ Index(((P3 *)_this)->_5_13_each, 3) ] = 3;
#ifdef VAR_RANGES
		logval("state[:init::each]", now.state[ Index(((int)((P3 *)_this)->_5_13_each), 3) ]);
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 5: // STATE 5 - commit.pml:479 - [(run mutation(each))] (0:0:0 - 1)
		IfNotBlocked
		reached[3][5] = 1;
		if (!(addproc(II, 1, 0, ((int)((P3 *)_this)->_5_13_each))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 6: // STATE 6 - commit.pml:479 - [each = (each+1)] (0:0:1 - 1)
		IfNotBlocked
		reached[3][6] = 1;
		(trpt+1)->bup.oval = ((int)((P3 *)_this)->_5_13_each);
		((P3 *)_this)->_5_13_each = (((int)((P3 *)_this)->_5_13_each)+1);
#ifdef VAR_RANGES
		logval(":init::each", ((int)((P3 *)_this)->_5_13_each));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 7: // STATE 12 - commit.pml:482 - [(run server(0))] (0:0:0 - 3)
		IfNotBlocked
		reached[3][12] = 1;
		if (!(addproc(II, 1, 1, 0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 8: // STATE 13 - commit.pml:482 - [(run server(1))] (0:0:0 - 1)
		IfNotBlocked
		reached[3][13] = 1;
		if (!(addproc(II, 1, 1, 1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 9: // STATE 14 - commit.pml:482 - [(run database())] (0:0:0 - 1)
		IfNotBlocked
		reached[3][14] = 1;
		if (!(addproc(II, 1, 2, 0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 10: // STATE 16 - commit.pml:484 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[3][16] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC database */
	case 11: // STATE 107 - commit.pml:467 - [D_STEP467]
		if (!(boq == -1 && (((int)now.isSent[0])&&((int)now.batchSet[0]))))
			continue;

		reached[2][107] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_464_0: /* 2 */
		if (!((((int)now.isSent[0])&&((int)now.batchSet[0]))))
			Uerror("block in d_step seq");
S_569_0: /* 2 */
S_465_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_466_0: /* 2 */
		since = 0;
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
S_467_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_468_0: /* 2 */
		v = 1;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_484_0: /* 2 */
S_483_0: /* 2 */
S_469_0: /* 2 */
		if (!((((int)v)<=((int)now.version))))
			goto S_483_1;
S_473_0: /* 2 */
S_470_0: /* 2 */
		if (!((((int)now.logBatch[ Index(((int)v), 4) ])==((int)now.batch[0]))))
			goto S_473_1;
S_471_0: /* 2 */
		found = ((int)v);
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
		goto S_474_0;
S_473_1: /* 3 */
S_472_0: /* 2 */
		/* else */;
		goto S_474_0;
S_473_2: /* 3 */
		Uerror("blocking sel in d_step (nr.0, near line 282)");
S_474_0: /* 2 */
S_478_0: /* 2 */
S_475_0: /* 2 */
		if (!((((int)v)>((int)now.known[0]))))
			goto S_478_1;
S_476_0: /* 2 */
		since = (((int)since)|((int)now.logTouched[ Index(((int)v), 4) ]));
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
		goto S_479_0;
S_478_1: /* 3 */
S_477_0: /* 2 */
		/* else */;
		goto S_479_0;
S_478_2: /* 3 */
		Uerror("blocking sel in d_step (nr.1, near line 288)");
S_479_0: /* 2 */
S_480_0: /* 2 */
		v = (((int)v)+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_484_0; /* ';' */
S_483_1: /* 3 */
S_481_0: /* 2 */
		/* else */;
S_482_0: /* 2 */
		goto S_486_0;	/* 'goto' */
S_483_2: /* 3 */
		Uerror("blocking sel in d_step (nr.2, near line 280)");
S_485_0: /* 2 */
		goto S_486_0;	/* 'break' */
S_486_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_559_0: /* 2 */
S_487_0: /* 2 */
		if (!(((int)found)))
			goto S_559_1;
S_488_0: /* 2 */
		answerVersion[0] = ((int)found);
#ifdef VAR_RANGES
		logval("answerVersion[0]", ((int)answerVersion[0]));
#endif
		;
S_489_0: /* 2 */
		bad = ((int)now.logRefused[ Index(((int)found), 4) ]);
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_560_0;
S_559_1: /* 3 */
S_490_0: /* 2 */
		/* else */;
S_491_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_515_0: /* 2 */
S_514_0: /* 2 */
S_492_0: /* 2 */
		if (!((((int)i)<3)))
			goto S_514_1;
S_493_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_509_0: /* 2 */
S_508_0: /* 2 */
S_494_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_508_1;
S_503_0: /* 2 */
S_495_0: /* 2 */
		if (!( !(((((int)now.batchSet[0])>>((int)m))&1))))
			goto S_503_1;
		goto S_504_0;
S_503_1: /* 3 */
S_496_0: /* 2 */
		if (!(((((((int)now.batchSet[0])>>((int)m))&1)&& !(((int)now.scans[ Index(((int)m), 3) ])))&&(((int)now.keys[ Index(((int)m), 3) ])&((int)since)))))
			goto S_503_2;
S_497_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_504_0;
S_503_2: /* 3 */
S_498_0: /* 2 */
		if (!(((((((int)now.batchSet[0])>>((int)m))&1)&&((int)now.scans[ Index(((int)m), 3) ]))&&((int)since))))
			goto S_503_3;
S_499_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_504_0;
S_503_3: /* 3 */
S_500_0: /* 2 */
		if (!((((((int)now.batchSet[0])>>((int)m))&1)&&(((int)now.needs[ Index(((int)m), 3) ])&((int)bad)))))
			goto S_503_4;
S_501_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_504_0;
S_503_4: /* 3 */
S_502_0: /* 2 */
		/* else */;
		goto S_504_0;
S_503_5: /* 3 */
		Uerror("blocking sel in d_step (nr.3, near line 309)");
S_504_0: /* 2 */
S_505_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_509_0; /* ';' */
S_508_1: /* 3 */
S_506_0: /* 2 */
		/* else */;
S_507_0: /* 2 */
		goto S_511_0;	/* 'goto' */
S_508_2: /* 3 */
		Uerror("blocking sel in d_step (nr.4, near line 307)");
S_510_0: /* 2 */
		goto S_511_0;	/* 'break' */
S_511_0: /* 2 */
		i = (((int)i)+1);
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
		goto S_515_0; /* ';' */
S_514_1: /* 3 */
S_512_0: /* 2 */
		/* else */;
S_513_0: /* 2 */
		goto S_517_0;	/* 'goto' */
S_514_2: /* 3 */
		Uerror("blocking sel in d_step (nr.5, near line 304)");
S_516_0: /* 2 */
		goto S_517_0;	/* 'break' */
S_517_0: /* 2 */
		rest = (((int)now.batchSet[0])& ~(((int)bad)));
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_556_0: /* 2 */
S_518_0: /* 2 */
		if (!(((int)rest)))
			goto S_556_1;
S_519_0: /* 2 */
		now.version = (((int)now.version)+1);
#ifdef VAR_RANGES
		logval("version", ((int)now.version));
#endif
		;
S_520_0: /* 2 */
		now.past[ Index(((now.version*2)+0), 8) ] = ((int)now.past[ Index((((((int)now.version)-1)*2)+0), 8) ]);
#ifdef VAR_RANGES
		logval("past[((version*2)+0)]", ((int)now.past[ Index(((((int)now.version)*2)+0), 8) ]));
#endif
		;
S_521_0: /* 2 */
		now.past[ Index(((now.version*2)+1), 8) ] = ((int)now.past[ Index((((((int)now.version)-1)*2)+1), 8) ]);
#ifdef VAR_RANGES
		logval("past[((version*2)+1)]", ((int)now.past[ Index(((((int)now.version)*2)+1), 8) ]));
#endif
		;
S_522_0: /* 2 */
		now.logBatch[ Index(now.version, 4) ] = ((int)now.batch[0]);
#ifdef VAR_RANGES
		logval("logBatch[version]", ((int)now.logBatch[ Index(((int)now.version), 4) ]));
#endif
		;
S_523_0: /* 2 */
		now.logSet[ Index(now.version, 4) ] = ((int)rest);
#ifdef VAR_RANGES
		logval("logSet[version]", ((int)now.logSet[ Index(((int)now.version), 4) ]));
#endif
		;
S_524_0: /* 2 */
		now.logRefused[ Index(now.version, 4) ] = ((int)bad);
#ifdef VAR_RANGES
		logval("logRefused[version]", ((int)now.logRefused[ Index(((int)now.version), 4) ]));
#endif
		;
S_553_0: /* 2 */
S_552_0: /* 2 */
S_525_0: /* 2 */
		if (!(((int)rest)))
			goto S_552_1;
S_526_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_532_0: /* 2 */
S_531_0: /* 2 */
S_527_0: /* 2 */
		if (!(( !(((((int)rest)>>((int)m))&1))||(((int)now.after[ Index(((int)m), 3) ])&((int)rest)))))
			goto S_531_1;
S_528_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_532_0; /* ';' */
S_531_1: /* 3 */
S_529_0: /* 2 */
		/* else */;
S_530_0: /* 2 */
		goto S_548_0;	/* 'goto' */
S_531_2: /* 3 */
		Uerror("blocking sel in d_step (nr.6, near line 337)");
S_533_0: /* 2 */
		goto S_548_0;	/* 'break' */
S_548_0: /* 2 */
S_534_0: /* 2 */
		spin_assert((((int)now.commits[ Index(((int)m), 3) ])==0), "(commits[m]==0)", II, tt, t);
S_535_0: /* 2 */
		now.commits[ Index(m, 3) ] = (((int)now.commits[ Index(((int)m), 3) ])+1);
#ifdef VAR_RANGES
		logval("commits[m]", ((int)now.commits[ Index(((int)m), 3) ]));
#endif
		;
S_539_0: /* 2 */
S_536_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)m), 3) ])) ? (3) : (((int)now.keys[ Index(((int)m), 3) ])) )&1)))
			goto S_539_1;
S_537_0: /* 2 */
		spin_assert((((int)now.saw[ Index(((((int)m)*2)+0), 6) ])==((int)now.past[ Index(((((int)now.version)*2)+0), 8) ])), "(saw[((m*2)+0)]==past[((version*2)+0)])", II, tt, t);
		goto S_540_0;
S_539_1: /* 3 */
S_538_0: /* 2 */
		/* else */;
		goto S_540_0;
S_539_2: /* 3 */
		Uerror("blocking sel in d_step (nr.7, near line 264)");
S_540_0: /* 2 */
S_544_0: /* 2 */
S_541_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)m), 3) ])) ? (3) : (((int)now.keys[ Index(((int)m), 3) ])) )&2)))
			goto S_544_1;
S_542_0: /* 2 */
		spin_assert((((int)now.saw[ Index(((((int)m)*2)+1), 6) ])==((int)now.past[ Index(((((int)now.version)*2)+1), 8) ])), "(saw[((m*2)+1)]==past[((version*2)+1)])", II, tt, t);
		goto S_545_0;
S_544_1: /* 3 */
S_543_0: /* 2 */
		/* else */;
		goto S_545_0;
S_544_2: /* 3 */
		Uerror("blocking sel in d_step (nr.8, near line 268)");
S_545_0: /* 2 */
S_546_0: /* 2 */
		now.past[ Index(((now.version*2)+now.writes[ Index(m, 3) ]), 8) ] = ((((int)m)*16)+((int)now.attempt[ Index(((int)m), 3) ]));
#ifdef VAR_RANGES
		logval("past[((version*2)+writes[m])]", ((int)now.past[ Index(((((int)now.version)*2)+((int)now.writes[ Index(((int)m), 3) ])), 8) ]));
#endif
		;
S_547_0: /* 2 */
		now.logTouched[ Index(now.version, 4) ] = (((int)now.logTouched[ Index(((int)now.version), 4) ])|(1<<((int)now.writes[ Index(((int)m), 3) ])));
#ifdef VAR_RANGES
		logval("logTouched[version]", ((int)now.logTouched[ Index(((int)now.version), 4) ]));
#endif
		;
		goto S_549_0;
S_549_0: /* 2 */
		rest = (((int)rest)& ~((1<<((int)m))));
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_553_0; /* ';' */
S_552_1: /* 3 */
S_550_0: /* 2 */
		/* else */;
S_551_0: /* 2 */
		goto S_558_0;	/* 'goto' */
S_552_2: /* 3 */
		Uerror("blocking sel in d_step (nr.9, near line 334)");
S_554_0: /* 2 */
		goto S_558_0;	/* 'break' */
		goto S_557_0;
S_556_1: /* 3 */
S_555_0: /* 2 */
		/* else */;
		goto S_557_0;
S_556_2: /* 3 */
		Uerror("blocking sel in d_step (nr.10, near line 329)");
S_557_0: /* 2 */
S_558_0: /* 2 */
		answerVersion[0] = ((int)now.version);
#ifdef VAR_RANGES
		logval("answerVersion[0]", ((int)answerVersion[0]));
#endif
		;
		goto S_560_0;
S_559_2: /* 3 */
		Uerror("blocking sel in d_step (nr.11, near line 296)");
S_560_0: /* 2 */
S_561_0: /* 2 */
		now.answerRefused[0] = ((int)bad);
#ifdef VAR_RANGES
		logval("answerRefused[0]", ((int)now.answerRefused[0]));
#endif
		;
S_562_0: /* 2 */
		now.isAnswered[0] = 1;
#ifdef VAR_RANGES
		logval("isAnswered[0]", ((int)now.isAnswered[0]));
#endif
		;
S_563_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_564_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_565_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_566_0: /* 2 */
		since = 0;
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
S_567_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_568_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_689_0;
S_689_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 12: // STATE 214 - commit.pml:468 - [D_STEP468]
		if (!(boq == -1 && (((int)now.isSent[1])&&((int)now.batchSet[1]))))
			continue;

		reached[2][214] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_571_0: /* 2 */
		if (!((((int)now.isSent[1])&&((int)now.batchSet[1]))))
			Uerror("block in d_step seq");
S_676_0: /* 2 */
S_572_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_573_0: /* 2 */
		since = 0;
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
S_574_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_575_0: /* 2 */
		v = 1;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_591_0: /* 2 */
S_590_0: /* 2 */
S_576_0: /* 2 */
		if (!((((int)v)<=((int)now.version))))
			goto S_590_1;
S_580_0: /* 2 */
S_577_0: /* 2 */
		if (!((((int)now.logBatch[ Index(((int)v), 4) ])==((int)now.batch[1]))))
			goto S_580_1;
S_578_0: /* 2 */
		found = ((int)v);
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
		goto S_581_0;
S_580_1: /* 3 */
S_579_0: /* 2 */
		/* else */;
		goto S_581_0;
S_580_2: /* 3 */
		Uerror("blocking sel in d_step (nr.12, near line 282)");
S_581_0: /* 2 */
S_585_0: /* 2 */
S_582_0: /* 2 */
		if (!((((int)v)>((int)now.known[1]))))
			goto S_585_1;
S_583_0: /* 2 */
		since = (((int)since)|((int)now.logTouched[ Index(((int)v), 4) ]));
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
		goto S_586_0;
S_585_1: /* 3 */
S_584_0: /* 2 */
		/* else */;
		goto S_586_0;
S_585_2: /* 3 */
		Uerror("blocking sel in d_step (nr.13, near line 288)");
S_586_0: /* 2 */
S_587_0: /* 2 */
		v = (((int)v)+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_591_0; /* ';' */
S_590_1: /* 3 */
S_588_0: /* 2 */
		/* else */;
S_589_0: /* 2 */
		goto S_593_0;	/* 'goto' */
S_590_2: /* 3 */
		Uerror("blocking sel in d_step (nr.14, near line 280)");
S_592_0: /* 2 */
		goto S_593_0;	/* 'break' */
S_593_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_666_0: /* 2 */
S_594_0: /* 2 */
		if (!(((int)found)))
			goto S_666_1;
S_595_0: /* 2 */
		answerVersion[1] = ((int)found);
#ifdef VAR_RANGES
		logval("answerVersion[1]", ((int)answerVersion[1]));
#endif
		;
S_596_0: /* 2 */
		bad = ((int)now.logRefused[ Index(((int)found), 4) ]);
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_667_0;
S_666_1: /* 3 */
S_597_0: /* 2 */
		/* else */;
S_598_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_622_0: /* 2 */
S_621_0: /* 2 */
S_599_0: /* 2 */
		if (!((((int)i)<3)))
			goto S_621_1;
S_600_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_616_0: /* 2 */
S_615_0: /* 2 */
S_601_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_615_1;
S_610_0: /* 2 */
S_602_0: /* 2 */
		if (!( !(((((int)now.batchSet[1])>>((int)m))&1))))
			goto S_610_1;
		goto S_611_0;
S_610_1: /* 3 */
S_603_0: /* 2 */
		if (!(((((((int)now.batchSet[1])>>((int)m))&1)&& !(((int)now.scans[ Index(((int)m), 3) ])))&&(((int)now.keys[ Index(((int)m), 3) ])&((int)since)))))
			goto S_610_2;
S_604_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_611_0;
S_610_2: /* 3 */
S_605_0: /* 2 */
		if (!(((((((int)now.batchSet[1])>>((int)m))&1)&&((int)now.scans[ Index(((int)m), 3) ]))&&((int)since))))
			goto S_610_3;
S_606_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_611_0;
S_610_3: /* 3 */
S_607_0: /* 2 */
		if (!((((((int)now.batchSet[1])>>((int)m))&1)&&(((int)now.needs[ Index(((int)m), 3) ])&((int)bad)))))
			goto S_610_4;
S_608_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_611_0;
S_610_4: /* 3 */
S_609_0: /* 2 */
		/* else */;
		goto S_611_0;
S_610_5: /* 3 */
		Uerror("blocking sel in d_step (nr.15, near line 309)");
S_611_0: /* 2 */
S_612_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_616_0; /* ';' */
S_615_1: /* 3 */
S_613_0: /* 2 */
		/* else */;
S_614_0: /* 2 */
		goto S_618_0;	/* 'goto' */
S_615_2: /* 3 */
		Uerror("blocking sel in d_step (nr.16, near line 307)");
S_617_0: /* 2 */
		goto S_618_0;	/* 'break' */
S_618_0: /* 2 */
		i = (((int)i)+1);
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
		goto S_622_0; /* ';' */
S_621_1: /* 3 */
S_619_0: /* 2 */
		/* else */;
S_620_0: /* 2 */
		goto S_624_0;	/* 'goto' */
S_621_2: /* 3 */
		Uerror("blocking sel in d_step (nr.17, near line 304)");
S_623_0: /* 2 */
		goto S_624_0;	/* 'break' */
S_624_0: /* 2 */
		rest = (((int)now.batchSet[1])& ~(((int)bad)));
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_663_0: /* 2 */
S_625_0: /* 2 */
		if (!(((int)rest)))
			goto S_663_1;
S_626_0: /* 2 */
		now.version = (((int)now.version)+1);
#ifdef VAR_RANGES
		logval("version", ((int)now.version));
#endif
		;
S_627_0: /* 2 */
		now.past[ Index(((now.version*2)+0), 8) ] = ((int)now.past[ Index((((((int)now.version)-1)*2)+0), 8) ]);
#ifdef VAR_RANGES
		logval("past[((version*2)+0)]", ((int)now.past[ Index(((((int)now.version)*2)+0), 8) ]));
#endif
		;
S_628_0: /* 2 */
		now.past[ Index(((now.version*2)+1), 8) ] = ((int)now.past[ Index((((((int)now.version)-1)*2)+1), 8) ]);
#ifdef VAR_RANGES
		logval("past[((version*2)+1)]", ((int)now.past[ Index(((((int)now.version)*2)+1), 8) ]));
#endif
		;
S_629_0: /* 2 */
		now.logBatch[ Index(now.version, 4) ] = ((int)now.batch[1]);
#ifdef VAR_RANGES
		logval("logBatch[version]", ((int)now.logBatch[ Index(((int)now.version), 4) ]));
#endif
		;
S_630_0: /* 2 */
		now.logSet[ Index(now.version, 4) ] = ((int)rest);
#ifdef VAR_RANGES
		logval("logSet[version]", ((int)now.logSet[ Index(((int)now.version), 4) ]));
#endif
		;
S_631_0: /* 2 */
		now.logRefused[ Index(now.version, 4) ] = ((int)bad);
#ifdef VAR_RANGES
		logval("logRefused[version]", ((int)now.logRefused[ Index(((int)now.version), 4) ]));
#endif
		;
S_660_0: /* 2 */
S_659_0: /* 2 */
S_632_0: /* 2 */
		if (!(((int)rest)))
			goto S_659_1;
S_633_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_639_0: /* 2 */
S_638_0: /* 2 */
S_634_0: /* 2 */
		if (!(( !(((((int)rest)>>((int)m))&1))||(((int)now.after[ Index(((int)m), 3) ])&((int)rest)))))
			goto S_638_1;
S_635_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_639_0; /* ';' */
S_638_1: /* 3 */
S_636_0: /* 2 */
		/* else */;
S_637_0: /* 2 */
		goto S_655_0;	/* 'goto' */
S_638_2: /* 3 */
		Uerror("blocking sel in d_step (nr.18, near line 337)");
S_640_0: /* 2 */
		goto S_655_0;	/* 'break' */
S_655_0: /* 2 */
S_641_0: /* 2 */
		spin_assert((((int)now.commits[ Index(((int)m), 3) ])==0), "(commits[m]==0)", II, tt, t);
S_642_0: /* 2 */
		now.commits[ Index(m, 3) ] = (((int)now.commits[ Index(((int)m), 3) ])+1);
#ifdef VAR_RANGES
		logval("commits[m]", ((int)now.commits[ Index(((int)m), 3) ]));
#endif
		;
S_646_0: /* 2 */
S_643_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)m), 3) ])) ? (3) : (((int)now.keys[ Index(((int)m), 3) ])) )&1)))
			goto S_646_1;
S_644_0: /* 2 */
		spin_assert((((int)now.saw[ Index(((((int)m)*2)+0), 6) ])==((int)now.past[ Index(((((int)now.version)*2)+0), 8) ])), "(saw[((m*2)+0)]==past[((version*2)+0)])", II, tt, t);
		goto S_647_0;
S_646_1: /* 3 */
S_645_0: /* 2 */
		/* else */;
		goto S_647_0;
S_646_2: /* 3 */
		Uerror("blocking sel in d_step (nr.19, near line 264)");
S_647_0: /* 2 */
S_651_0: /* 2 */
S_648_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)m), 3) ])) ? (3) : (((int)now.keys[ Index(((int)m), 3) ])) )&2)))
			goto S_651_1;
S_649_0: /* 2 */
		spin_assert((((int)now.saw[ Index(((((int)m)*2)+1), 6) ])==((int)now.past[ Index(((((int)now.version)*2)+1), 8) ])), "(saw[((m*2)+1)]==past[((version*2)+1)])", II, tt, t);
		goto S_652_0;
S_651_1: /* 3 */
S_650_0: /* 2 */
		/* else */;
		goto S_652_0;
S_651_2: /* 3 */
		Uerror("blocking sel in d_step (nr.20, near line 268)");
S_652_0: /* 2 */
S_653_0: /* 2 */
		now.past[ Index(((now.version*2)+now.writes[ Index(m, 3) ]), 8) ] = ((((int)m)*16)+((int)now.attempt[ Index(((int)m), 3) ]));
#ifdef VAR_RANGES
		logval("past[((version*2)+writes[m])]", ((int)now.past[ Index(((((int)now.version)*2)+((int)now.writes[ Index(((int)m), 3) ])), 8) ]));
#endif
		;
S_654_0: /* 2 */
		now.logTouched[ Index(now.version, 4) ] = (((int)now.logTouched[ Index(((int)now.version), 4) ])|(1<<((int)now.writes[ Index(((int)m), 3) ])));
#ifdef VAR_RANGES
		logval("logTouched[version]", ((int)now.logTouched[ Index(((int)now.version), 4) ]));
#endif
		;
		goto S_656_0;
S_656_0: /* 2 */
		rest = (((int)rest)& ~((1<<((int)m))));
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_660_0; /* ';' */
S_659_1: /* 3 */
S_657_0: /* 2 */
		/* else */;
S_658_0: /* 2 */
		goto S_665_0;	/* 'goto' */
S_659_2: /* 3 */
		Uerror("blocking sel in d_step (nr.21, near line 334)");
S_661_0: /* 2 */
		goto S_665_0;	/* 'break' */
		goto S_664_0;
S_663_1: /* 3 */
S_662_0: /* 2 */
		/* else */;
		goto S_664_0;
S_663_2: /* 3 */
		Uerror("blocking sel in d_step (nr.22, near line 329)");
S_664_0: /* 2 */
S_665_0: /* 2 */
		answerVersion[1] = ((int)now.version);
#ifdef VAR_RANGES
		logval("answerVersion[1]", ((int)answerVersion[1]));
#endif
		;
		goto S_667_0;
S_666_2: /* 3 */
		Uerror("blocking sel in d_step (nr.23, near line 296)");
S_667_0: /* 2 */
S_668_0: /* 2 */
		now.answerRefused[1] = ((int)bad);
#ifdef VAR_RANGES
		logval("answerRefused[1]", ((int)now.answerRefused[1]));
#endif
		;
S_669_0: /* 2 */
		now.isAnswered[1] = 1;
#ifdef VAR_RANGES
		logval("isAnswered[1]", ((int)now.isAnswered[1]));
#endif
		;
S_670_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_671_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_672_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_673_0: /* 2 */
		since = 0;
#ifdef VAR_RANGES
		logval("since", ((int)since));
#endif
		;
S_674_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_675_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_689_0; /* ';' */
		goto S_689_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 13: // STATE 219 - commit.pml:469 - [D_STEP469]
		if (!(boq == -1 && ((int)now.isAnswered[0])))
			continue;

		reached[2][219] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_678_0: /* 2 */
		if (!(((int)now.isAnswered[0])))
			Uerror("block in d_step seq");
S_679_0: /* 2 */
		now.isAnswered[0] = 0;
#ifdef VAR_RANGES
		logval("isAnswered[0]", ((int)now.isAnswered[0]));
#endif
		;
S_680_0: /* 2 */
		now.answerRefused[0] = 0;
#ifdef VAR_RANGES
		logval("answerRefused[0]", ((int)now.answerRefused[0]));
#endif
		;
S_681_0: /* 2 */
		answerVersion[0] = 0;
#ifdef VAR_RANGES
		logval("answerVersion[0]", ((int)answerVersion[0]));
#endif
		;
		goto S_689_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 14: // STATE 224 - commit.pml:470 - [D_STEP470]
		if (!(boq == -1 && ((int)now.isAnswered[1])))
			continue;

		reached[2][224] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_683_0: /* 2 */
		if (!(((int)now.isAnswered[1])))
			Uerror("block in d_step seq");
S_684_0: /* 2 */
		now.isAnswered[1] = 0;
#ifdef VAR_RANGES
		logval("isAnswered[1]", ((int)now.isAnswered[1]));
#endif
		;
S_685_0: /* 2 */
		now.answerRefused[1] = 0;
#ifdef VAR_RANGES
		logval("answerRefused[1]", ((int)now.answerRefused[1]));
#endif
		;
S_686_0: /* 2 */
		answerVersion[1] = 0;
#ifdef VAR_RANGES
		logval("answerVersion[1]", ((int)answerVersion[1]));
#endif
		;
		goto S_689_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 15: // STATE 228 - commit.pml:472 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[2][228] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC server */
	case 16: // STATE 120 - commit.pml:457 - [D_STEP457]
		if (!(boq == -1 && (((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ])<((int)now.version))))
			continue;

		reached[1][120] = 1;
		reached[1][t->st] = 1;
		reached[1][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_238_0: /* 2 */
		if (!((((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ])<((int)now.version))))
			Uerror("block in d_step seq");
S_356_0: /* 2 */
S_239_0: /* 2 */
		now.feed[ Index(((P1 *)_this)->s, 2) ] = (((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ])+1);
#ifdef VAR_RANGES
		logval("feed[server:s]", ((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_240_0: /* 2 */
		v = ((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ]);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_241_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_259_0: /* 2 */
S_258_0: /* 2 */
S_242_0: /* 2 */
		if (!((((int)j)<2)))
			goto S_258_1;
S_253_0: /* 2 */
S_243_0: /* 2 */
		if (!(((((int)now.logTouched[ Index(((int)v), 4) ])>>((int)j))&1)))
			goto S_253_1;
S_244_0: /* 2 */
		now.watched[ Index(((((P1 *)_this)->s*2)+j), 4) ] = ((int)now.past[ Index(((((int)v)*2)+((int)j)), 8) ]);
#ifdef VAR_RANGES
		logval("watched[((server:s*2)+j)]", ((int)now.watched[ Index(((((int)((P1 *)_this)->s)*2)+((int)j)), 4) ]));
#endif
		;
S_245_0: /* 2 */
		now.floor[ Index(((((P1 *)_this)->s*2)+j), 4) ] = ((int)v);
#ifdef VAR_RANGES
		logval("floor[((server:s*2)+j)]", ((int)now.floor[ Index(((((int)((P1 *)_this)->s)*2)+((int)j)), 4) ]));
#endif
		;
S_250_0: /* 2 */
S_246_0: /* 2 */
		if (!(((int)now.cached[ Index(((((int)((P1 *)_this)->s)*2)+((int)j)), 4) ])))
			goto S_250_1;
S_247_0: /* 2 */
		now.cacheValue[ Index(((((P1 *)_this)->s*2)+j), 4) ] = ((int)now.past[ Index(((((int)v)*2)+((int)j)), 8) ]);
#ifdef VAR_RANGES
		logval("cacheValue[((server:s*2)+j)]", ((int)now.cacheValue[ Index(((((int)((P1 *)_this)->s)*2)+((int)j)), 4) ]));
#endif
		;
S_248_0: /* 2 */
		now.cacheFrom[ Index(((((P1 *)_this)->s*2)+j), 4) ] = ((int)v);
#ifdef VAR_RANGES
		logval("cacheFrom[((server:s*2)+j)]", ((int)now.cacheFrom[ Index(((((int)((P1 *)_this)->s)*2)+((int)j)), 4) ]));
#endif
		;
		goto S_251_0;
S_250_1: /* 3 */
S_249_0: /* 2 */
		/* else */;
		goto S_251_0;
S_250_2: /* 3 */
		Uerror("blocking sel in d_step (nr.24, near line 394)");
S_251_0: /* 2 */
		goto S_254_0;
S_253_1: /* 3 */
S_252_0: /* 2 */
		/* else */;
		goto S_254_0;
S_253_2: /* 3 */
		Uerror("blocking sel in d_step (nr.25, near line 389)");
S_254_0: /* 2 */
S_255_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_259_0; /* ';' */
S_258_1: /* 3 */
S_256_0: /* 2 */
		/* else */;
S_257_0: /* 2 */
		goto S_261_0;	/* 'goto' */
S_258_2: /* 3 */
		Uerror("blocking sel in d_step (nr.26, near line 387)");
S_260_0: /* 2 */
		goto S_261_0;	/* 'break' */
S_261_0: /* 2 */
		spin_assert(((((int)now.watched[ Index(((((int)((P1 *)_this)->s)*2)+0), 4) ])==((int)now.past[ Index(((((int)v)*2)+0), 8) ]))&&(((int)now.watched[ Index(((((int)((P1 *)_this)->s)*2)+1), 4) ])==((int)now.past[ Index(((((int)v)*2)+1), 8) ]))), "((watched[((s*2)+0)]==past[((v*2)+0)])&&(watched[((s*2)+1)]==past[((v*2)+1)]))", II, tt, t);
S_262_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_263_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_298_0: /* 2 */
S_264_0: /* 2 */
		if (!(((((int)now.logBatch[ Index(((int)v), 4) ])&1)==((int)((P1 *)_this)->s))))
			goto S_298_1;
S_277_0: /* 2 */
S_276_0: /* 2 */
S_265_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_276_1;
S_270_0: /* 2 */
S_266_0: /* 2 */
		if (!(((((int)now.logSet[ Index(((int)v), 4) ])>>((int)j))&1)))
			goto S_270_1;
S_267_0: /* 2 */
		now.state[ Index(j, 3) ] = 2;
#ifdef VAR_RANGES
		logval("state[j]", now.state[ Index(((int)j), 3) ]);
#endif
		;
		goto S_271_0;
S_270_1: /* 3 */
S_268_0: /* 2 */
		/* else */;
S_269_0: /* 2 */
		now.after[ Index(j, 3) ] = (((int)now.after[ Index(((int)j), 3) ])& ~(((int)now.logSet[ Index(((int)v), 4) ])));
#ifdef VAR_RANGES
		logval("after[j]", ((int)now.after[ Index(((int)j), 3) ]));
#endif
		;
		goto S_271_0;
S_270_2: /* 3 */
		Uerror("blocking sel in d_step (nr.27, near line 412)");
S_271_0: /* 2 */
S_272_0: /* 2 */
		now.needs[ Index(j, 3) ] = (((int)now.needs[ Index(((int)j), 3) ])& ~(((int)now.logSet[ Index(((int)v), 4) ])));
#ifdef VAR_RANGES
		logval("needs[j]", ((int)now.needs[ Index(((int)j), 3) ]));
#endif
		;
S_273_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_277_0; /* ';' */
S_276_1: /* 3 */
S_274_0: /* 2 */
		/* else */;
S_275_0: /* 2 */
		goto S_279_0;	/* 'goto' */
S_276_2: /* 3 */
		Uerror("blocking sel in d_step (nr.28, near line 410)");
S_278_0: /* 2 */
		goto S_279_0;	/* 'break' */
S_279_0: /* 2 */
		found = (((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ])&((int)now.logRefused[ Index(((int)v), 4) ]));
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_280_0: /* 2 */
		now.isSent[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("isSent[server:s]", ((int)now.isSent[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_281_0: /* 2 */
		now.isAnswered[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("isAnswered[server:s]", ((int)now.isAnswered[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_282_0: /* 2 */
		now.batchSet[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("batchSet[server:s]", ((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_283_0: /* 2 */
		now.answerRefused[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("answerRefused[server:s]", ((int)now.answerRefused[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_284_0: /* 2 */
		answerVersion[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("answerVersion[server:s]", ((int)answerVersion[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
		goto S_299_0;
S_298_1: /* 3 */
S_285_0: /* 2 */
		/* else */;
S_296_0: /* 2 */
S_295_0: /* 2 */
S_286_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_295_1;
S_290_0: /* 2 */
S_287_0: /* 2 */
		if (!((((now.state[ Index(((int)j), 3) ]==6)&&((((int)j)/(3-1))==((int)((P1 *)_this)->s)))&&(( (((int)now.scans[ Index(((int)j), 3) ])) ? (3) : (((int)now.keys[ Index(((int)j), 3) ])) )&((int)now.logTouched[ Index(((int)v), 4) ])))))
			goto S_290_1;
S_288_0: /* 2 */
		found = (((int)found)|(1<<((int)j)));
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
		goto S_291_0;
S_290_1: /* 3 */
S_289_0: /* 2 */
		/* else */;
		goto S_291_0;
S_290_2: /* 3 */
		Uerror("blocking sel in d_step (nr.29, near line 427)");
S_291_0: /* 2 */
S_292_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_296_0; /* ';' */
S_295_1: /* 3 */
S_293_0: /* 2 */
		/* else */;
S_294_0: /* 2 */
		goto S_300_0;	/* 'goto' */
S_295_2: /* 3 */
		Uerror("blocking sel in d_step (nr.30, near line 425)");
S_297_0: /* 2 */
		goto S_300_0;	/* 'break' */
		goto S_299_0;
S_298_2: /* 3 */
		Uerror("blocking sel in d_step (nr.31, near line 407)");
S_299_0: /* 2 */
S_300_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_301_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_354_0: /* 2 */
S_302_0: /* 2 */
		bad = ((int)found);
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_303_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_322_0: /* 2 */
S_321_0: /* 2 */
S_304_0: /* 2 */
		if (!((((int)i)<3)))
			goto S_321_1;
S_305_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_316_0: /* 2 */
S_315_0: /* 2 */
S_306_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_315_1;
S_310_0: /* 2 */
S_307_0: /* 2 */
		if (!(((now.state[ Index(((int)m), 3) ]==6)&&(((int)now.needs[ Index(((int)m), 3) ])&((int)bad)))))
			goto S_310_1;
S_308_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_311_0;
S_310_1: /* 3 */
S_309_0: /* 2 */
		/* else */;
		goto S_311_0;
S_310_2: /* 3 */
		Uerror("blocking sel in d_step (nr.32, near line 66)");
S_311_0: /* 2 */
S_312_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_316_0; /* ';' */
S_315_1: /* 3 */
S_313_0: /* 2 */
		/* else */;
S_314_0: /* 2 */
		goto S_318_0;	/* 'goto' */
S_315_2: /* 3 */
		Uerror("blocking sel in d_step (nr.33, near line 64)");
S_317_0: /* 2 */
		goto S_318_0;	/* 'break' */
S_318_0: /* 2 */
		i = (((int)i)+1);
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
		goto S_322_0; /* ';' */
S_321_1: /* 3 */
S_319_0: /* 2 */
		/* else */;
S_320_0: /* 2 */
		goto S_324_0;	/* 'goto' */
S_321_2: /* 3 */
		Uerror("blocking sel in d_step (nr.34, near line 61)");
S_323_0: /* 2 */
		goto S_324_0;	/* 'break' */
S_324_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_349_0: /* 2 */
S_348_0: /* 2 */
S_325_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_348_1;
S_343_0: /* 2 */
S_326_0: /* 2 */
		if (!(((((int)bad)>>((int)m))&1)))
			goto S_343_1;
S_327_0: /* 2 */
		spin_assert((((int)now.commits[ Index(((int)m), 3) ])==0), "(commits[m]==0)", II, tt, t);
S_331_0: /* 2 */
S_328_0: /* 2 */
		if (!((now.state[ Index(((int)m), 3) ]==6)))
			goto S_331_1;
S_329_0: /* 2 */
		now.waiting[ Index((m/(3-1)), 2) ] = (((int)now.waiting[ Index((((int)m)/(3-1)), 2) ])-1);
#ifdef VAR_RANGES
		logval("waiting[(m/(3-1))]", ((int)now.waiting[ Index((((int)m)/(3-1)), 2) ]));
#endif
		;
		goto S_332_0;
S_331_1: /* 3 */
S_330_0: /* 2 */
		/* else */;
		goto S_332_0;
S_331_2: /* 3 */
		Uerror("blocking sel in d_step (nr.35, near line 82)");
S_332_0: /* 2 */
S_333_0: /* 2 */
		now.state[ Index(m, 3) ] = 3;
#ifdef VAR_RANGES
		logval("state[m]", now.state[ Index(((int)m), 3) ]);
#endif
		;
S_334_0: /* 2 */
		now.after[ Index(m, 3) ] = 0;
#ifdef VAR_RANGES
		logval("after[m]", ((int)now.after[ Index(((int)m), 3) ]));
#endif
		;
S_335_0: /* 2 */
		now.needs[ Index(m, 3) ] = 0;
#ifdef VAR_RANGES
		logval("needs[m]", ((int)now.needs[ Index(((int)m), 3) ]));
#endif
		;
		goto S_344_0;
S_343_1: /* 3 */
S_336_0: /* 2 */
		/* else */;
S_337_0: /* 2 */
		now.after[ Index(m, 3) ] = (((int)now.after[ Index(((int)m), 3) ])& ~(((int)bad)));
#ifdef VAR_RANGES
		logval("after[m]", ((int)now.after[ Index(((int)m), 3) ]));
#endif
		;
S_341_0: /* 2 */
S_338_0: /* 2 */
		if (!((now.state[ Index(((int)m), 3) ]==7)))
			goto S_341_1;
S_339_0: /* 2 */
		now.lost[ Index(m, 3) ] = (((int)now.lost[ Index(((int)m), 3) ])|(((int)now.seen[ Index(((int)m), 3) ])&((int)bad)));
#ifdef VAR_RANGES
		logval("lost[m]", ((int)now.lost[ Index(((int)m), 3) ]));
#endif
		;
		goto S_342_0;
S_341_1: /* 3 */
S_340_0: /* 2 */
		/* else */;
		goto S_342_0;
S_341_2: /* 3 */
		Uerror("blocking sel in d_step (nr.36, near line 89)");
S_342_0: /* 2 */
		goto S_344_0;
S_343_2: /* 3 */
		Uerror("blocking sel in d_step (nr.37, near line 79)");
S_344_0: /* 2 */
S_345_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_349_0; /* ';' */
S_348_1: /* 3 */
S_346_0: /* 2 */
		/* else */;
S_347_0: /* 2 */
		goto S_351_0;	/* 'goto' */
S_348_2: /* 3 */
		Uerror("blocking sel in d_step (nr.38, near line 77)");
S_350_0: /* 2 */
		goto S_351_0;	/* 'break' */
S_351_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_352_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_353_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_355_0;
S_355_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
		goto S_461_0;
S_461_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 17: // STATE 200 - commit.pml:458 - [D_STEP458]
		if (!(boq == -1 && ((int)now.isAnswered[ Index(((int)((P1 *)_this)->s), 2) ])))
			continue;

		reached[1][200] = 1;
		reached[1][t->st] = 1;
		reached[1][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_358_0: /* 2 */
		if (!(((int)now.isAnswered[ Index(((int)((P1 *)_this)->s), 2) ])))
			Uerror("block in d_step seq");
S_436_0: /* 2 */
S_359_0: /* 2 */
		now.isAnswered[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("isAnswered[server:s]", ((int)now.isAnswered[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_360_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_371_0: /* 2 */
S_370_0: /* 2 */
S_361_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_370_1;
S_365_0: /* 2 */
S_362_0: /* 2 */
		if (!((((((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ])>>((int)m))&1)&& !(((((int)now.answerRefused[ Index(((int)((P1 *)_this)->s), 2) ])>>((int)m))&1)))))
			goto S_365_1;
S_363_0: /* 2 */
		now.state[ Index(m, 3) ] = 4;
#ifdef VAR_RANGES
		logval("state[m]", now.state[ Index(((int)m), 3) ]);
#endif
		;
		goto S_366_0;
S_365_1: /* 3 */
S_364_0: /* 2 */
		/* else */;
		goto S_366_0;
S_365_2: /* 3 */
		Uerror("blocking sel in d_step (nr.39, near line 360)");
S_366_0: /* 2 */
S_367_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_371_0; /* ';' */
S_370_1: /* 3 */
S_368_0: /* 2 */
		/* else */;
S_369_0: /* 2 */
		goto S_376_0;	/* 'goto' */
S_370_2: /* 3 */
		Uerror("blocking sel in d_step (nr.40, near line 358)");
S_372_0: /* 2 */
		goto S_376_0;	/* 'break' */
S_376_0: /* 2 */
S_373_0: /* 2 */
		if (!((((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ])==((int)now.answerRefused[ Index(((int)((P1 *)_this)->s), 2) ]))))
			goto S_376_1;
S_374_0: /* 2 */
		now.isSent[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("isSent[server:s]", ((int)now.isSent[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
		goto S_377_0;
S_376_1: /* 3 */
S_375_0: /* 2 */
		/* else */;
		goto S_377_0;
S_376_2: /* 3 */
		Uerror("blocking sel in d_step (nr.41, near line 367)");
S_377_0: /* 2 */
S_378_0: /* 2 */
		now.batchSet[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("batchSet[server:s]", ((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_379_0: /* 2 */
		found = ((int)now.answerRefused[ Index(((int)((P1 *)_this)->s), 2) ]);
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_380_0: /* 2 */
		now.answerRefused[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("answerRefused[server:s]", ((int)now.answerRefused[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_381_0: /* 2 */
		answerVersion[ Index(((P1 *)_this)->s, 2) ] = 0;
#ifdef VAR_RANGES
		logval("answerVersion[server:s]", ((int)answerVersion[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_434_0: /* 2 */
S_382_0: /* 2 */
		bad = ((int)found);
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_383_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_402_0: /* 2 */
S_401_0: /* 2 */
S_384_0: /* 2 */
		if (!((((int)i)<3)))
			goto S_401_1;
S_385_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_396_0: /* 2 */
S_395_0: /* 2 */
S_386_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_395_1;
S_390_0: /* 2 */
S_387_0: /* 2 */
		if (!(((now.state[ Index(((int)m), 3) ]==6)&&(((int)now.needs[ Index(((int)m), 3) ])&((int)bad)))))
			goto S_390_1;
S_388_0: /* 2 */
		bad = (((int)bad)|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_391_0;
S_390_1: /* 3 */
S_389_0: /* 2 */
		/* else */;
		goto S_391_0;
S_390_2: /* 3 */
		Uerror("blocking sel in d_step (nr.42, near line 66)");
S_391_0: /* 2 */
S_392_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_396_0; /* ';' */
S_395_1: /* 3 */
S_393_0: /* 2 */
		/* else */;
S_394_0: /* 2 */
		goto S_398_0;	/* 'goto' */
S_395_2: /* 3 */
		Uerror("blocking sel in d_step (nr.43, near line 64)");
S_397_0: /* 2 */
		goto S_398_0;	/* 'break' */
S_398_0: /* 2 */
		i = (((int)i)+1);
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
		goto S_402_0; /* ';' */
S_401_1: /* 3 */
S_399_0: /* 2 */
		/* else */;
S_400_0: /* 2 */
		goto S_404_0;	/* 'goto' */
S_401_2: /* 3 */
		Uerror("blocking sel in d_step (nr.44, near line 61)");
S_403_0: /* 2 */
		goto S_404_0;	/* 'break' */
S_404_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_429_0: /* 2 */
S_428_0: /* 2 */
S_405_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_428_1;
S_423_0: /* 2 */
S_406_0: /* 2 */
		if (!(((((int)bad)>>((int)m))&1)))
			goto S_423_1;
S_407_0: /* 2 */
		spin_assert((((int)now.commits[ Index(((int)m), 3) ])==0), "(commits[m]==0)", II, tt, t);
S_411_0: /* 2 */
S_408_0: /* 2 */
		if (!((now.state[ Index(((int)m), 3) ]==6)))
			goto S_411_1;
S_409_0: /* 2 */
		now.waiting[ Index((m/(3-1)), 2) ] = (((int)now.waiting[ Index((((int)m)/(3-1)), 2) ])-1);
#ifdef VAR_RANGES
		logval("waiting[(m/(3-1))]", ((int)now.waiting[ Index((((int)m)/(3-1)), 2) ]));
#endif
		;
		goto S_412_0;
S_411_1: /* 3 */
S_410_0: /* 2 */
		/* else */;
		goto S_412_0;
S_411_2: /* 3 */
		Uerror("blocking sel in d_step (nr.45, near line 82)");
S_412_0: /* 2 */
S_413_0: /* 2 */
		now.state[ Index(m, 3) ] = 3;
#ifdef VAR_RANGES
		logval("state[m]", now.state[ Index(((int)m), 3) ]);
#endif
		;
S_414_0: /* 2 */
		now.after[ Index(m, 3) ] = 0;
#ifdef VAR_RANGES
		logval("after[m]", ((int)now.after[ Index(((int)m), 3) ]));
#endif
		;
S_415_0: /* 2 */
		now.needs[ Index(m, 3) ] = 0;
#ifdef VAR_RANGES
		logval("needs[m]", ((int)now.needs[ Index(((int)m), 3) ]));
#endif
		;
		goto S_424_0;
S_423_1: /* 3 */
S_416_0: /* 2 */
		/* else */;
S_417_0: /* 2 */
		now.after[ Index(m, 3) ] = (((int)now.after[ Index(((int)m), 3) ])& ~(((int)bad)));
#ifdef VAR_RANGES
		logval("after[m]", ((int)now.after[ Index(((int)m), 3) ]));
#endif
		;
S_421_0: /* 2 */
S_418_0: /* 2 */
		if (!((now.state[ Index(((int)m), 3) ]==7)))
			goto S_421_1;
S_419_0: /* 2 */
		now.lost[ Index(m, 3) ] = (((int)now.lost[ Index(((int)m), 3) ])|(((int)now.seen[ Index(((int)m), 3) ])&((int)bad)));
#ifdef VAR_RANGES
		logval("lost[m]", ((int)now.lost[ Index(((int)m), 3) ]));
#endif
		;
		goto S_422_0;
S_421_1: /* 3 */
S_420_0: /* 2 */
		/* else */;
		goto S_422_0;
S_421_2: /* 3 */
		Uerror("blocking sel in d_step (nr.46, near line 89)");
S_422_0: /* 2 */
		goto S_424_0;
S_423_2: /* 3 */
		Uerror("blocking sel in d_step (nr.47, near line 79)");
S_424_0: /* 2 */
S_425_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_429_0; /* ';' */
S_428_1: /* 3 */
S_426_0: /* 2 */
		/* else */;
S_427_0: /* 2 */
		goto S_431_0;	/* 'goto' */
S_428_2: /* 3 */
		Uerror("blocking sel in d_step (nr.48, near line 77)");
S_430_0: /* 2 */
		goto S_431_0;	/* 'break' */
S_431_0: /* 2 */
		i = 0;
#ifdef VAR_RANGES
		logval("i", ((int)i));
#endif
		;
S_432_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_433_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_435_0;
S_435_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
		goto S_461_0; /* ';' */
		goto S_461_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 18: // STATE 222 - commit.pml:459 - [D_STEP459]
		if (!(boq == -1 && ( !(((int)now.isSent[ Index(((int)((P1 *)_this)->s), 2) ]))&&((int)now.waiting[ Index(((int)((P1 *)_this)->s), 2) ]))))
			continue;

		reached[1][222] = 1;
		reached[1][t->st] = 1;
		reached[1][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_438_0: /* 2 */
		if (!(( !(((int)now.isSent[ Index(((int)((P1 *)_this)->s), 2) ]))&&((int)now.waiting[ Index(((int)((P1 *)_this)->s), 2) ]))))
			Uerror("block in d_step seq");
S_458_0: /* 2 */
S_439_0: /* 2 */
		now.batch[ Index(((P1 *)_this)->s, 2) ] = (((int)now.batch[ Index(((int)((P1 *)_this)->s), 2) ])+2);
#ifdef VAR_RANGES
		logval("batch[server:s]", ((int)now.batch[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_440_0: /* 2 */
		now.known[ Index(((P1 *)_this)->s, 2) ] = ((int)now.feed[ Index(((int)((P1 *)_this)->s), 2) ]);
#ifdef VAR_RANGES
		logval("known[server:s]", ((int)now.known[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_441_0: /* 2 */
		now.isSent[ Index(((P1 *)_this)->s, 2) ] = 1;
#ifdef VAR_RANGES
		logval("isSent[server:s]", ((int)now.isSent[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_442_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
S_455_0: /* 2 */
S_454_0: /* 2 */
S_443_0: /* 2 */
		if (!((((int)m)<3)))
			goto S_454_1;
S_449_0: /* 2 */
S_444_0: /* 2 */
		if (!(((now.state[ Index(((int)m), 3) ]==6)&&((((int)m)/(3-1))==((int)((P1 *)_this)->s)))))
			goto S_449_1;
S_445_0: /* 2 */
		now.batchSet[ Index(((P1 *)_this)->s, 2) ] = (((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ])|(1<<((int)m)));
#ifdef VAR_RANGES
		logval("batchSet[server:s]", ((int)now.batchSet[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
S_446_0: /* 2 */
		now.state[ Index(m, 3) ] = 5;
#ifdef VAR_RANGES
		logval("state[m]", now.state[ Index(((int)m), 3) ]);
#endif
		;
S_447_0: /* 2 */
		now.waiting[ Index(((P1 *)_this)->s, 2) ] = (((int)now.waiting[ Index(((int)((P1 *)_this)->s), 2) ])-1);
#ifdef VAR_RANGES
		logval("waiting[server:s]", ((int)now.waiting[ Index(((int)((P1 *)_this)->s), 2) ]));
#endif
		;
		goto S_450_0;
S_449_1: /* 3 */
S_448_0: /* 2 */
		/* else */;
		goto S_450_0;
S_449_2: /* 3 */
		Uerror("blocking sel in d_step (nr.49, near line 444)");
S_450_0: /* 2 */
S_451_0: /* 2 */
		m = (((int)m)+1);
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_455_0; /* ';' */
S_454_1: /* 3 */
S_452_0: /* 2 */
		/* else */;
S_453_0: /* 2 */
		goto S_456_0;	/* 'goto' */
S_454_2: /* 3 */
		Uerror("blocking sel in d_step (nr.50, near line 442)");
S_456_0: /* 2 */
		goto S_457_0;	/* 'break' */
S_457_0: /* 2 */
		m = 0;
#ifdef VAR_RANGES
		logval("m", ((int)m));
#endif
		;
		goto S_461_0; /* ';' */
		goto S_461_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 19: // STATE 226 - commit.pml:461 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[1][226] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC mutation */
	case 20: // STATE 1 - commit.pml:208 - [keys[me] = 1] (0:232:2 - 1)
		IfNotBlocked
		reached[0][1] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.keys[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("keys[mutation:me]", ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: writes[me] = 0(232, 2, 232) */
		reached[0][2] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.writes[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("writes[mutation:me]", ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: .(goto)(232, 11, 232) */
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 21: // STATE 11 - commit.pml:214 - [.(goto)] (0:232:0 - 5)
		IfNotBlocked
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 22: // STATE 3 - commit.pml:209 - [keys[me] = 1] (0:232:2 - 1)
		IfNotBlocked
		reached[0][3] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.keys[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("keys[mutation:me]", ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: writes[me] = 1(232, 4, 232) */
		reached[0][4] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.writes[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("writes[mutation:me]", ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: .(goto)(232, 11, 232) */
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 23: // STATE 5 - commit.pml:210 - [keys[me] = 2] (0:232:2 - 1)
		IfNotBlocked
		reached[0][5] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.keys[ Index(((P0 *)_this)->me, 3) ] = 2;
#ifdef VAR_RANGES
		logval("keys[mutation:me]", ((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: writes[me] = 0(232, 6, 232) */
		reached[0][6] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.writes[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("writes[mutation:me]", ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: .(goto)(232, 11, 232) */
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 24: // STATE 7 - commit.pml:211 - [scans[me] = 1] (0:232:2 - 1)
		IfNotBlocked
		reached[0][7] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.scans[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("scans[mutation:me]", ((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: writes[me] = 0(232, 8, 232) */
		reached[0][8] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.writes[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("writes[mutation:me]", ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: .(goto)(232, 11, 232) */
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 25: // STATE 9 - commit.pml:212 - [writes[me] = 1] (0:232:1 - 1)
		IfNotBlocked
		reached[0][9] = 1;
		(trpt+1)->bup.oval = ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]);
		now.writes[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("writes[mutation:me]", ((int)now.writes[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		/* merge: .(goto)(232, 11, 232) */
		reached[0][11] = 1;
		;
		/* merge: .(goto)(0, 233, 232) */
		reached[0][233] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 26: // STATE 32 - commit.pml:216 - [D_STEP216]
		IfNotBlocked

		reached[0][32] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_012_0: /* 2 */
		now.attempt[ Index(((P0 *)_this)->me, 3) ] = (((int)now.attempt[ Index(((int)((P0 *)_this)->me), 3) ])+1);
#ifdef VAR_RANGES
		logval("attempt[mutation:me]", ((int)now.attempt[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_013_0: /* 2 */
		now.state[ Index(((P0 *)_this)->me, 3) ] = 7;
#ifdef VAR_RANGES
		logval("state[mutation:me]", now.state[ Index(((int)((P0 *)_this)->me), 3) ]);
#endif
		;
S_014_0: /* 2 */
		now.began[ Index(((P0 *)_this)->me, 3) ] = ((int)now.feed[ Index((((int)((P0 *)_this)->me)/(3-1)), 2) ]);
#ifdef VAR_RANGES
		logval("began[mutation:me]", ((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_015_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+0), 6) ] = 0;
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+0)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]));
#endif
		;
S_016_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+1), 6) ] = 0;
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+1)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]));
#endif
		;
S_017_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_028_0: /* 2 */
S_027_0: /* 2 */
S_018_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_027_1;
S_022_0: /* 2 */
S_019_0: /* 2 */
		if (!((((((int)j)/(3-1))==(((int)((P0 *)_this)->me)/(3-1)))&&(((now.state[ Index(((int)j), 3) ]==6)||(now.state[ Index(((int)j), 3) ]==5))||(now.state[ Index(((int)j), 3) ]==4)))))
			goto S_022_1;
S_020_0: /* 2 */
		now.seen[ Index(((P0 *)_this)->me, 3) ] = (((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])|(1<<((int)j)));
#ifdef VAR_RANGES
		logval("seen[mutation:me]", ((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		goto S_023_0;
S_022_1: /* 3 */
S_021_0: /* 2 */
		/* else */;
		goto S_023_0;
S_022_2: /* 3 */
		Uerror("blocking sel in d_step (nr.51, near line 222)");
S_023_0: /* 2 */
S_024_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_028_0; /* ';' */
S_027_1: /* 3 */
S_025_0: /* 2 */
		/* else */;
S_026_0: /* 2 */
		goto S_029_0;	/* 'goto' */
S_027_2: /* 3 */
		Uerror("blocking sel in d_step (nr.52, near line 220)");
S_029_0: /* 2 */
		goto S_030_0;	/* 'break' */
S_030_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_139_0;
S_139_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 27: // STATE 33 - commit.pml:232 - [(( (scans[me]) -> (3) : (keys[me]) ))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][33] = 1;
		if (!(( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )))
			continue;
		_m = 3; goto P999; /* 0 */
	case 28: // STATE 138 - commit.pml:232 - [D_STEP232]
		if (!(((boq == -1 && (( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )&1))) || (boq == -1 /* else */)))
			continue;

		reached[0][138] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_083_0: /* 2 */
S_033_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )&1)))
			goto S_083_1;
S_081_0: /* 2 */
S_034_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_035_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_036_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_047_0: /* 2 */
S_046_0: /* 2 */
S_037_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_046_1;
S_041_0: /* 2 */
S_038_0: /* 2 */
		if (!(((((((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1)&&(((int)now.writes[ Index(((int)j), 3) ])==0))&&( !(((int)rest))||((((int)now.after[ Index(((int)j), 3) ])>>(((int)rest)-1))&1)))))
			goto S_041_1;
S_039_0: /* 2 */
		rest = (((int)j)+1);
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_042_0;
S_041_1: /* 3 */
S_040_0: /* 2 */
		/* else */;
		goto S_042_0;
S_041_2: /* 3 */
		Uerror("blocking sel in d_step (nr.53, near line 128)");
S_042_0: /* 2 */
S_043_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_047_0; /* ';' */
S_046_1: /* 3 */
S_044_0: /* 2 */
		/* else */;
S_045_0: /* 2 */
		goto S_077_0;	/* 'goto' */
S_046_2: /* 3 */
		Uerror("blocking sel in d_step (nr.54, near line 126)");
S_048_0: /* 2 */
		goto S_077_0;	/* 'break' */
S_077_0: /* 2 */
S_049_0: /* 2 */
		if (!(((int)rest)))
			goto S_077_1;
S_050_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+0), 6) ] = (((((int)rest)-1)*16)+((int)now.attempt[ Index((((int)rest)-1), 3) ]));
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+0)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]));
#endif
		;
		goto S_078_0;
S_077_1: /* 3 */
S_051_0: /* 2 */
		if (!(( !(((int)rest))&&((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ]))))
			goto S_077_2;
S_052_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+0), 6) ] = ((int)now.past[ Index(((((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])*2)+0), 8) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+0)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]));
#endif
		;
		goto S_078_0;
S_077_2: /* 3 */
S_053_0: /* 2 */
		/* else */;
S_076_0: /* 2 */
S_074_0: /* 2 */
S_054_0: /* 2 */
		if (!((((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ])&&(((int)now.cacheFrom[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ])<=((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])))))
			goto S_074_1;
S_055_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+0), 6) ] = ((int)now.cacheValue[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+0)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]));
#endif
		;
		goto S_075_0;
S_074_1: /* 3 */
S_056_0: /* 2 */
		/* else */;
S_057_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+0), 6) ] = ((int)now.past[ Index(((((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])*2)+0), 8) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+0)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]));
#endif
		;
S_072_0: /* 2 */
S_058_0: /* 2 */
		if (!(( !(((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ]))&&(((int)now.floor[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ])<=((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])))))
			goto S_072_1;
S_059_0: /* 2 */
		v = ((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ]);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_065_0: /* 2 */
S_064_0: /* 2 */
S_060_0: /* 2 */
		if (!(((((int)v)>0)&& !(((((int)now.logTouched[ Index(((int)v), 4) ])>>0)&1)))))
			goto S_064_1;
S_061_0: /* 2 */
		v = (((int)v)-1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_065_0; /* ';' */
S_064_1: /* 3 */
S_062_0: /* 2 */
		/* else */;
S_063_0: /* 2 */
		goto S_067_0;	/* 'goto' */
S_064_2: /* 3 */
		Uerror("blocking sel in d_step (nr.55, near line 113)");
S_066_0: /* 2 */
		goto S_067_0;	/* 'break' */
S_067_0: /* 2 */
		now.cached[ Index((((((P0 *)_this)->me/(3-1))*2)+0), 4) ] = 1;
#ifdef VAR_RANGES
		logval("cached[(((mutation:me/(3-1))*2)+0)]", ((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ]));
#endif
		;
S_068_0: /* 2 */
		now.cacheValue[ Index((((((P0 *)_this)->me/(3-1))*2)+0), 4) ] = ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+0), 6) ]);
#ifdef VAR_RANGES
		logval("cacheValue[(((mutation:me/(3-1))*2)+0)]", ((int)now.cacheValue[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ]));
#endif
		;
S_069_0: /* 2 */
		now.cacheFrom[ Index((((((P0 *)_this)->me/(3-1))*2)+0), 4) ] = ((int)v);
#ifdef VAR_RANGES
		logval("cacheFrom[(((mutation:me/(3-1))*2)+0)]", ((int)now.cacheFrom[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+0), 4) ]));
#endif
		;
S_070_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_073_0;
S_072_1: /* 3 */
S_071_0: /* 2 */
		/* else */;
		goto S_073_0;
S_072_2: /* 3 */
		Uerror("blocking sel in d_step (nr.56, near line 106)");
S_073_0: /* 2 */
		goto S_075_0;
S_074_2: /* 3 */
		Uerror("blocking sel in d_step (nr.57, near line 102)");
S_075_0: /* 2 */
		goto S_078_0;
		goto S_078_0;
S_077_3: /* 3 */
		Uerror("blocking sel in d_step (nr.58, near line 135)");
S_078_0: /* 2 */
S_079_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_080_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_084_0;
S_083_1: /* 3 */
S_082_0: /* 2 */
		/* else */;
		goto S_084_0;
S_083_2: /* 3 */
		Uerror("blocking sel in d_step (nr.59, near line 233)");
S_084_0: /* 2 */
S_135_0: /* 2 */
S_085_0: /* 2 */
		if (!((( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )&2)))
			goto S_135_1;
S_133_0: /* 2 */
S_086_0: /* 2 */
		found = 0;
#ifdef VAR_RANGES
		logval("found", ((int)found));
#endif
		;
S_087_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_088_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_099_0: /* 2 */
S_098_0: /* 2 */
S_089_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_098_1;
S_093_0: /* 2 */
S_090_0: /* 2 */
		if (!(((((((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1)&&(((int)now.writes[ Index(((int)j), 3) ])==1))&&( !(((int)rest))||((((int)now.after[ Index(((int)j), 3) ])>>(((int)rest)-1))&1)))))
			goto S_093_1;
S_091_0: /* 2 */
		rest = (((int)j)+1);
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
		goto S_094_0;
S_093_1: /* 3 */
S_092_0: /* 2 */
		/* else */;
		goto S_094_0;
S_093_2: /* 3 */
		Uerror("blocking sel in d_step (nr.60, near line 128)");
S_094_0: /* 2 */
S_095_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_099_0; /* ';' */
S_098_1: /* 3 */
S_096_0: /* 2 */
		/* else */;
S_097_0: /* 2 */
		goto S_129_0;	/* 'goto' */
S_098_2: /* 3 */
		Uerror("blocking sel in d_step (nr.61, near line 126)");
S_100_0: /* 2 */
		goto S_129_0;	/* 'break' */
S_129_0: /* 2 */
S_101_0: /* 2 */
		if (!(((int)rest)))
			goto S_129_1;
S_102_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+1), 6) ] = (((((int)rest)-1)*16)+((int)now.attempt[ Index((((int)rest)-1), 3) ]));
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+1)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]));
#endif
		;
		goto S_130_0;
S_129_1: /* 3 */
S_103_0: /* 2 */
		if (!(( !(((int)rest))&&((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ]))))
			goto S_129_2;
S_104_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+1), 6) ] = ((int)now.past[ Index(((((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])*2)+1), 8) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+1)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]));
#endif
		;
		goto S_130_0;
S_129_2: /* 3 */
S_105_0: /* 2 */
		/* else */;
S_128_0: /* 2 */
S_126_0: /* 2 */
S_106_0: /* 2 */
		if (!((((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ])&&(((int)now.cacheFrom[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ])<=((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])))))
			goto S_126_1;
S_107_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+1), 6) ] = ((int)now.cacheValue[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+1)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]));
#endif
		;
		goto S_127_0;
S_126_1: /* 3 */
S_108_0: /* 2 */
		/* else */;
S_109_0: /* 2 */
		now.saw[ Index(((((P0 *)_this)->me*2)+1), 6) ] = ((int)now.past[ Index(((((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])*2)+1), 8) ]);
#ifdef VAR_RANGES
		logval("saw[((mutation:me*2)+1)]", ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]));
#endif
		;
S_124_0: /* 2 */
S_110_0: /* 2 */
		if (!(( !(((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ]))&&(((int)now.floor[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ])<=((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])))))
			goto S_124_1;
S_111_0: /* 2 */
		v = ((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ]);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_117_0: /* 2 */
S_116_0: /* 2 */
S_112_0: /* 2 */
		if (!(((((int)v)>0)&& !(((((int)now.logTouched[ Index(((int)v), 4) ])>>1)&1)))))
			goto S_116_1;
S_113_0: /* 2 */
		v = (((int)v)-1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_117_0; /* ';' */
S_116_1: /* 3 */
S_114_0: /* 2 */
		/* else */;
S_115_0: /* 2 */
		goto S_119_0;	/* 'goto' */
S_116_2: /* 3 */
		Uerror("blocking sel in d_step (nr.62, near line 113)");
S_118_0: /* 2 */
		goto S_119_0;	/* 'break' */
S_119_0: /* 2 */
		now.cached[ Index((((((P0 *)_this)->me/(3-1))*2)+1), 4) ] = 1;
#ifdef VAR_RANGES
		logval("cached[(((mutation:me/(3-1))*2)+1)]", ((int)now.cached[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ]));
#endif
		;
S_120_0: /* 2 */
		now.cacheValue[ Index((((((P0 *)_this)->me/(3-1))*2)+1), 4) ] = ((int)now.saw[ Index(((((int)((P0 *)_this)->me)*2)+1), 6) ]);
#ifdef VAR_RANGES
		logval("cacheValue[(((mutation:me/(3-1))*2)+1)]", ((int)now.cacheValue[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ]));
#endif
		;
S_121_0: /* 2 */
		now.cacheFrom[ Index((((((P0 *)_this)->me/(3-1))*2)+1), 4) ] = ((int)v);
#ifdef VAR_RANGES
		logval("cacheFrom[(((mutation:me/(3-1))*2)+1)]", ((int)now.cacheFrom[ Index((((((int)((P0 *)_this)->me)/(3-1))*2)+1), 4) ]));
#endif
		;
S_122_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_125_0;
S_124_1: /* 3 */
S_123_0: /* 2 */
		/* else */;
		goto S_125_0;
S_124_2: /* 3 */
		Uerror("blocking sel in d_step (nr.63, near line 106)");
S_125_0: /* 2 */
		goto S_127_0;
S_126_2: /* 3 */
		Uerror("blocking sel in d_step (nr.64, near line 102)");
S_127_0: /* 2 */
		goto S_130_0;
		goto S_130_0;
S_129_3: /* 3 */
		Uerror("blocking sel in d_step (nr.65, near line 135)");
S_130_0: /* 2 */
S_131_0: /* 2 */
		rest = 0;
#ifdef VAR_RANGES
		logval("rest", ((int)rest));
#endif
		;
S_132_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_136_0;
S_135_1: /* 3 */
S_134_0: /* 2 */
		/* else */;
		goto S_136_0;
S_135_2: /* 3 */
		Uerror("blocking sel in d_step (nr.66, near line 237)");
S_136_0: /* 2 */
		goto S_140_0;
S_140_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 29: // STATE 226 - commit.pml:244 - [D_STEP244]
		IfNotBlocked

		reached[0][226] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;


		reached[0][226] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		sv_save();
		S_190_0: /* 2 */
S_141_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_142_0: /* 2 */
		v = (((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_153_0: /* 2 */
S_152_0: /* 2 */
S_143_0: /* 2 */
		if (!((((int)v)<=((int)now.feed[ Index((((int)((P0 *)_this)->me)/(3-1)), 2) ]))))
			goto S_152_1;
S_147_0: /* 2 */
S_144_0: /* 2 */
		if (!(((((int)now.logBatch[ Index(((int)v), 4) ])&1)!=(((int)((P0 *)_this)->me)/(3-1)))))
			goto S_147_1;
S_145_0: /* 2 */
		bad = (((int)bad)|(((int)now.logTouched[ Index(((int)v), 4) ])&( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )));
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_148_0;
S_147_1: /* 3 */
S_146_0: /* 2 */
		/* else */;
		goto S_148_0;
S_147_2: /* 3 */
		Uerror("blocking sel in d_step (nr.67, near line 149)");
S_148_0: /* 2 */
S_149_0: /* 2 */
		v = (((int)v)+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_153_0; /* ';' */
S_152_1: /* 3 */
S_150_0: /* 2 */
		/* else */;
S_151_0: /* 2 */
		goto S_155_0;	/* 'goto' */
S_152_2: /* 3 */
		Uerror("blocking sel in d_step (nr.68, near line 147)");
S_154_0: /* 2 */
		goto S_155_0;	/* 'break' */
S_155_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_186_0: /* 2 */
S_185_0: /* 2 */
S_156_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_185_1;
S_180_0: /* 2 */
S_157_0: /* 2 */
		if (!((((((int)j)!=((int)((P0 *)_this)->me))&&((((int)j)/(3-1))==(((int)((P0 *)_this)->me)/(3-1))))&&(( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )&(1<<((int)now.writes[ Index(((int)j), 3) ]))))))
			goto S_180_1;
S_177_0: /* 2 */
S_158_0: /* 2 */
		if (!(((((int)now.lost[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1)))
			goto S_177_1;
S_159_0: /* 2 */
		bad = 1;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_178_0;
S_177_1: /* 3 */
S_160_0: /* 2 */
		if (!(( !(((((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1))&&(((now.state[ Index(((int)j), 3) ]==6)||(now.state[ Index(((int)j), 3) ]==5))||(now.state[ Index(((int)j), 3) ]==4)))))
			goto S_177_2;
S_161_0: /* 2 */
		bad = 1;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_178_0;
S_177_2: /* 3 */
S_162_0: /* 2 */
		if (!(( !(((((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1))&&((int)now.commits[ Index(((int)j), 3) ]))))
			goto S_177_3;
S_163_0: /* 2 */
		v = (((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ])+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
S_174_0: /* 2 */
S_173_0: /* 2 */
S_164_0: /* 2 */
		if (!((((int)v)<=((int)now.feed[ Index((((int)((P0 *)_this)->me)/(3-1)), 2) ]))))
			goto S_173_1;
S_168_0: /* 2 */
S_165_0: /* 2 */
		if (!(((((int)now.logSet[ Index(((int)v), 4) ])>>((int)j))&1)))
			goto S_168_1;
S_166_0: /* 2 */
		bad = 1;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
		goto S_169_0;
S_168_1: /* 3 */
S_167_0: /* 2 */
		/* else */;
		goto S_169_0;
S_168_2: /* 3 */
		Uerror("blocking sel in d_step (nr.69, near line 168)");
S_169_0: /* 2 */
S_170_0: /* 2 */
		v = (((int)v)+1);
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_174_0; /* ';' */
S_173_1: /* 3 */
S_171_0: /* 2 */
		/* else */;
S_172_0: /* 2 */
		goto S_182_0;	/* 'goto' */
S_173_2: /* 3 */
		Uerror("blocking sel in d_step (nr.70, near line 166)");
S_175_0: /* 2 */
		goto S_182_0;	/* 'break' */
		goto S_178_0;
S_177_3: /* 3 */
S_176_0: /* 2 */
		/* else */;
		goto S_178_0;
S_177_4: /* 3 */
		Uerror("blocking sel in d_step (nr.71, near line 161)");
S_178_0: /* 2 */
		goto S_181_0;
S_180_1: /* 3 */
S_179_0: /* 2 */
		/* else */;
		goto S_181_0;
S_180_2: /* 3 */
		Uerror("blocking sel in d_step (nr.72, near line 159)");
S_181_0: /* 2 */
S_182_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_186_0; /* ';' */
S_185_1: /* 3 */
S_183_0: /* 2 */
		/* else */;
S_184_0: /* 2 */
		goto S_188_0;	/* 'goto' */
S_185_2: /* 3 */
		Uerror("blocking sel in d_step (nr.73, near line 157)");
S_187_0: /* 2 */
		goto S_188_0;	/* 'break' */
S_188_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_189_0: /* 2 */
		v = 0;
#ifdef VAR_RANGES
		logval("v", ((int)v));
#endif
		;
		goto S_223_0;
S_223_0: /* 2 */
S_191_0: /* 2 */
		if (!(((int)bad)))
			goto S_223_1;
S_192_0: /* 2 */
		bad = 0;
#ifdef VAR_RANGES
		logval("bad", ((int)bad));
#endif
		;
S_193_0: /* 2 */
		now.state[ Index(((P0 *)_this)->me, 3) ] = 3;
#ifdef VAR_RANGES
		logval("state[mutation:me]", now.state[ Index(((int)((P0 *)_this)->me), 3) ]);
#endif
		;
S_194_0: /* 2 */
		now.seen[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("seen[mutation:me]", ((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_195_0: /* 2 */
		now.lost[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("lost[mutation:me]", ((int)now.lost[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		goto S_224_0;
S_223_1: /* 3 */
S_196_0: /* 2 */
		/* else */;
S_222_0: /* 2 */
S_197_0: /* 2 */
		now.seen[ Index(((P0 *)_this)->me, 3) ] = (((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])& ~(((int)now.lost[ Index(((int)((P0 *)_this)->me), 3) ])));
#ifdef VAR_RANGES
		logval("seen[mutation:me]", ((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_198_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_214_0: /* 2 */
S_213_0: /* 2 */
S_199_0: /* 2 */
		if (!((((int)j)<3)))
			goto S_213_1;
S_208_0: /* 2 */
S_200_0: /* 2 */
		if (!((((((int)j)!=((int)((P0 *)_this)->me))&&((((int)j)/(3-1))==(((int)((P0 *)_this)->me)/(3-1))))&&(((now.state[ Index(((int)j), 3) ]==6)||(now.state[ Index(((int)j), 3) ]==5))||(now.state[ Index(((int)j), 3) ]==4)))))
			goto S_208_1;
S_201_0: /* 2 */
		now.after[ Index(((P0 *)_this)->me, 3) ] = (((int)now.after[ Index(((int)((P0 *)_this)->me), 3) ])|(1<<((int)j)));
#ifdef VAR_RANGES
		logval("after[mutation:me]", ((int)now.after[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_205_0: /* 2 */
S_202_0: /* 2 */
		if (!((((((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ])>>((int)j))&1)&&(( (((int)now.scans[ Index(((int)((P0 *)_this)->me), 3) ])) ? (3) : (((int)now.keys[ Index(((int)((P0 *)_this)->me), 3) ])) )&(1<<((int)now.writes[ Index(((int)j), 3) ]))))))
			goto S_205_1;
S_203_0: /* 2 */
		now.needs[ Index(((P0 *)_this)->me, 3) ] = (((int)now.needs[ Index(((int)((P0 *)_this)->me), 3) ])|(1<<((int)j)));
#ifdef VAR_RANGES
		logval("needs[mutation:me]", ((int)now.needs[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
		goto S_206_0;
S_205_1: /* 3 */
S_204_0: /* 2 */
		/* else */;
		goto S_206_0;
S_205_2: /* 3 */
		Uerror("blocking sel in d_step (nr.74, near line 193)");
S_206_0: /* 2 */
		goto S_209_0;
S_208_1: /* 3 */
S_207_0: /* 2 */
		/* else */;
		goto S_209_0;
S_208_2: /* 3 */
		Uerror("blocking sel in d_step (nr.75, near line 190)");
S_209_0: /* 2 */
S_210_0: /* 2 */
		j = (((int)j)+1);
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
		goto S_214_0; /* ';' */
S_213_1: /* 3 */
S_211_0: /* 2 */
		/* else */;
S_212_0: /* 2 */
		goto S_216_0;	/* 'goto' */
S_213_2: /* 3 */
		Uerror("blocking sel in d_step (nr.76, near line 188)");
S_215_0: /* 2 */
		goto S_216_0;	/* 'break' */
S_216_0: /* 2 */
		j = 0;
#ifdef VAR_RANGES
		logval("j", ((int)j));
#endif
		;
S_217_0: /* 2 */
		now.seen[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("seen[mutation:me]", ((int)now.seen[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_218_0: /* 2 */
		now.lost[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("lost[mutation:me]", ((int)now.lost[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_219_0: /* 2 */
		now.began[ Index(((P0 *)_this)->me, 3) ] = 0;
#ifdef VAR_RANGES
		logval("began[mutation:me]", ((int)now.began[ Index(((int)((P0 *)_this)->me), 3) ]));
#endif
		;
S_220_0: /* 2 */
		now.state[ Index(((P0 *)_this)->me, 3) ] = 6;
#ifdef VAR_RANGES
		logval("state[mutation:me]", now.state[ Index(((int)((P0 *)_this)->me), 3) ]);
#endif
		;
S_221_0: /* 2 */
		now.waiting[ Index((((P0 *)_this)->me/(3-1)), 2) ] = (((int)now.waiting[ Index((((int)((P0 *)_this)->me)/(3-1)), 2) ])+1);
#ifdef VAR_RANGES
		logval("waiting[(mutation:me/(3-1))]", ((int)now.waiting[ Index((((int)((P0 *)_this)->me)/(3-1)), 2) ]));
#endif
		;
		goto S_224_0;
		goto S_224_0;
S_223_2: /* 3 */
		Uerror("blocking sel in d_step (nr.77, near line 246)");
S_224_0: /* 2 */
		goto S_229_0;
S_229_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 30: // STATE 227 - commit.pml:252 - [((state[me]==refused))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][227] = 1;
		if (!((now.state[ Index(((int)((P0 *)_this)->me), 3) ]==3)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 31: // STATE 228 - commit.pml:253 - [((state[me]==brought))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][228] = 1;
		if (!((now.state[ Index(((int)((P0 *)_this)->me), 3) ]==2)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 32: // STATE 235 - commit.pml:257 - [assert((commits[me]==1))] (0:238:1 - 1)
		IfNotBlocked
		reached[0][235] = 1;
		spin_assert((((int)now.commits[ Index(((int)((P0 *)_this)->me), 3) ])==1), "(commits[me]==1)", II, tt, t);
		/* merge: state[me] = told(238, 236, 238) */
		reached[0][236] = 1;
		(trpt+1)->bup.oval = now.state[ Index(((int)((P0 *)_this)->me), 3) ];
		now.state[ Index(((P0 *)_this)->me, 3) ] = 1;
#ifdef VAR_RANGES
		logval("state[mutation:me]", now.state[ Index(((int)((P0 *)_this)->me), 3) ]);
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 33: // STATE 238 - commit.pml:258 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[0][238] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */
	case  _T5:	/* np_ */
		if (!((!(trpt->o_pm&4) && !(trpt->tau&128))))
			continue;
		/* else fall through */
	case  _T2:	/* true */
		_m = 3; goto P999;
#undef rand
	}

