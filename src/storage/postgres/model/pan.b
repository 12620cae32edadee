	switch (t->back) {
	default: Uerror("bad return move");
	case  0: goto R999; /* nothing to undo */

		 /* PROC :init: */

	case 3: // STATE 2
		;
		((P3 *)_this)->_5_13_each = trpt->bup.ovals[1];
		now.batch[1] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 4: // STATE 4
		;
		now.state[ Index(((P3 *)_this)->_5_13_each, 3) ] = trpt->bup.oval;
		;
		goto R999;

	case 5: // STATE 5
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 6: // STATE 6
		;
		((P3 *)_this)->_5_13_each = trpt->bup.oval;
		;
		goto R999;

	case 7: // STATE 12
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 8: // STATE 13
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 9: // STATE 14
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 10: // STATE 16
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC database */
	case 11: // STATE 107
		sv_restor();
		goto R999;
	case 12: // STATE 214
		sv_restor();
		goto R999;
	case 13: // STATE 219
		sv_restor();
		goto R999;
	case 14: // STATE 224
		sv_restor();
		goto R999;

	case 15: // STATE 228
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC server */
	case 16: // STATE 120
		sv_restor();
		goto R999;
	case 17: // STATE 200
		sv_restor();
		goto R999;
	case 18: // STATE 222
		sv_restor();
		goto R999;

	case 19: // STATE 226
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC mutation */

	case 20: // STATE 2
		;
		now.writes[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[1];
		now.keys[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		
	case 21: // STATE 11
		goto R999;

	case 22: // STATE 4
		;
		now.writes[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[1];
		now.keys[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 23: // STATE 6
		;
		now.writes[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[1];
		now.keys[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 24: // STATE 8
		;
		now.writes[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[1];
		now.scans[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 25: // STATE 9
		;
		now.writes[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.oval;
		;
		goto R999;
	case 26: // STATE 32
		sv_restor();
		goto R999;
;
		;
			case 28: // STATE 138
		sv_restor();
		goto R999;
	case 29: // STATE 226
		sv_restor();
		goto R999;
;
		;
		;
		;
		
	case 32: // STATE 236
		;
		now.state[ Index(((P0 *)_this)->me, 3) ] = trpt->bup.oval;
		;
		goto R999;

	case 33: // STATE 238
		;
		p_restor(II);
		;
		;
		goto R999;
	}

